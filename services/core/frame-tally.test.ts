import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { AuditRecordSchema } from '../../gen/parley/chat/v1/audit_pb.ts';
import { ConnectRequestSchema } from '../../gen/parley/chat/v1/session_pb.ts';
import { DeliverSchema } from '../../gen/parley/node/v1/bridge_pb.ts';
import { FrameTally } from './frame-tally.ts';

const ten = (...bytes: readonly number[]): number[] => Array(10).fill(bytes).flat();

describe('a tally refuses what protobuf-es sees more in than is counted', () => {
  /** Behind each beginning, messages that would be decoded, and would not be counted. */
  const cases: readonly (readonly [string, DescMessage, readonly number[]])[] = [
    [
      'behind a length of 2^32, which it takes for 0',
      ConnectRequestSchema,
      [0x7a, 0x80, 0x80, 0x80, 0x80, 0x10, ...ten(0x0a, 0)],
    ],
    ['in a number that stands there as bytes', ConnectRequestSchema, [0x0a, 4, 0x0a, 2, 0x1a, 0]],
    ['in fields of messages that stand there as numbers of eight bytes', ConnectRequestSchema, ten(0x09, 0)],
    [
      'behind a message whose last field is longer than it',
      ConnectRequestSchema,
      [0x0a, 2, 0x0a, 4, 1, 2, 3, 4],
    ],
    ['behind a list whose last number is longer than it', DeliverSchema, [0x0a, 1, 0x80, 0x01, 0x12, 0]],
    ['in a group that stands there for a message', ConnectRequestSchema, [0x0b, 0x02, 0x08, 0x01, 0x0c]],
    ['behind a map whose last text is longer than it', AuditRecordSchema, [0x42, 2, 0x12, 2, 0x61, 0x62]],
  ];
  for (const [name, kind, bytes] of cases)
    it(name, () => {
      const frame = Uint8Array.from(bytes);
      assert.throws(() => new FrameTally().message(kind, frame), { reason: 'malformedFrame' });
    });

  it('and nothing that encoders write', () => {
    for (const [kind, bytes] of [
      [DeliverSchema, [0x0a, 3, 1, 0x80, 0x01, 0x12, 1, 7]],
      // Numbers of a list may stand one by one.
      [DeliverSchema, [0x08, 1, 0x08, 2]],
      [DeliverSchema, [0x0a, 0]],
      [AuditRecordSchema, [0x42, 6, 0x0a, 1, 0x61, 0x12, 1, 0x62]],
      // What a later version may know.
      [DeliverSchema, [0x7a, 1, 0xff, 0x79, 0, 0, 0, 0, 0, 0, 0, 0, 0x7d, 0, 0, 0, 0, 0x78, 1]],
    ] as const satisfies readonly (readonly [DescMessage, readonly number[]])[]) {
      const frame = Uint8Array.from(bytes);
      new FrameTally().message(kind, frame);
      fromBinary(kind, frame);
    }
  });
});
