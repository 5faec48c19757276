import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { type MessageBody, MessageBodySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import { body, mutated } from './testing/arbitrary.ts';
import { checkBody } from './body.ts';

type Init = MessageInitShape<typeof MessageBodySchema>;
const encode = (init: Init) => toBinary(MessageBodySchema, create(MessageBodySchema, init));
const text = (value: string): Init => ({ content: { case: 'text', value } });
const data = (length: number): Init => ({ content: { case: 'data', value: new Uint8Array(length) } });
const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));

/** The limits of entry.proto, said again in the plain way. */
function withinLimits({ contentType, content, replyToSeq, attributes }: MessageBody): boolean {
  const pairs = Object.entries(attributes);
  return (
    contentType.length <= 100 &&
    content.value !== undefined &&
    content.value.length > 0 &&
    (content.case === 'data' ? content.value.length <= 60 * 1024 : (content.value?.length ?? 0) <= 20_000) &&
    replyToSeq <= BigInt(Number.MAX_SAFE_INTEGER) &&
    pairs.length <= 16 &&
    pairs.every(([key, value]) => key.length > 0 && key.length <= 64 && value.length <= 1024)
  );
}

const table: readonly [string, Uint8Array, string, string][] = [
  ['no bytes', new Uint8Array(0), 'emptyContent', 'send.body'],
  ['an empty text', Uint8Array.of(0x12, 0), 'emptyContent', 'send.body'],
  ['empty data', encode(data(0)), 'emptyContent', 'send.body'],
  ['data emptied again', Uint8Array.of(0x12, 1, 0x61, 0x1a, 0), 'emptyContent', 'send.body'],
  ['a text of 20,001', encode(text('a'.repeat(20_001))), 'contentTooLarge', 'send.body.text'],
  ['10,001 emoji', encode(text('😀'.repeat(10_001))), 'contentTooLarge', 'send.body.text'],
  ['data above 60 KiB', encode(data(60 * 1024 + 1)), 'contentTooLarge', 'send.body.data'],
  ['more than 64 KiB', encode(data(64 * 1024)), 'contentTooLarge', 'send.body'],
  [
    'a long type',
    encode({ ...text('a'), contentType: 'x'.repeat(101) }),
    'invalidField',
    'send.body.content_type',
  ],
  ['seq 2^53', encode({ ...text('a'), replyToSeq: 2n ** 53n }), 'seqOutOfRange', 'send.body.reply_to_seq'],
  ['17 attributes', encode({ ...text('a'), attributes: keys(17) }), 'invalidField', 'send.body.attributes'],
  ['an empty key', encode({ ...text('a'), attributes: { '': 'v' } }), 'invalidField', 'send.body.attributes'],
  [
    'a long key',
    encode({ ...text('a'), attributes: { ['k'.repeat(65)]: '' } }),
    'invalidField',
    'send.body.attributes',
  ],
  [
    'a long value',
    encode({ ...text('a'), attributes: { k: 'v'.repeat(1025) } }),
    'invalidField',
    'send.body.attributes',
  ],
  ['a surrogate as UTF-8', Uint8Array.of(0x12, 3, 0xed, 0xa0, 0x80), 'invalidField', 'send.body.text'],
  ['text as a varint', Uint8Array.of(0x10, 1), 'invalidField', 'send.body'],
  ['field number 0', Uint8Array.of(0x02, 1, 1), 'invalidField', 'send.body'],
  ['a cut-off text', Uint8Array.of(0x12, 3, 0x61), 'invalidField', 'send.body'],
  ['an unknown group', Uint8Array.of(0x12, 1, 0x61, 0x7b, 0x7c), 'invalidField', 'send.body'],
  ['a varint without end', Uint8Array.of(0x78, ...Array(11).fill(0xff)), 'invalidField', 'send.body'],
  [
    'an entry past its end',
    Uint8Array.of(0x12, 1, 0x61, 0x2a, 3, 0x0a, 2, 0x62, 0x62),
    'invalidField',
    'send.body',
  ],
];

describe('checkBody', () => {
  for (const [name, bytes, reason, field] of table) {
    it(`refuses ${name}`, () => {
      const fault = checkBody(bytes);
      assert.deepEqual([fault?.reason, fault?.field], [reason, field]);
    });
  }

  it('takes what just keeps the limits', () => {
    const all = { ...text('a'.repeat(20_000)), contentType: 'x'.repeat(100), replyToSeq: 2n ** 53n - 1n };
    assert.equal(
      checkBody(encode({ ...all, attributes: { ...keys(15), ['k'.repeat(64)]: 'v'.repeat(1024) } })),
      undefined,
    );
    assert.equal(checkBody(encode(text('😀'.repeat(10_000)))), undefined);
    assert.equal(checkBody(encode(data(60 * 1024))), undefined);
  });

  it('names the body as it is told to', () => {
    assert.equal(checkBody(Uint8Array.of(0x12, 1, 0xff), 'sends[3].body')?.field, 'sends[3].body.text');
  });

  it('takes every body that protobuf-es writes and that keeps the limits, and no other', () => {
    fc.assert(
      fc.property(body, (message) => {
        assert.equal(checkBody(toBinary(MessageBodySchema, message)) === undefined, withinLimits(message));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes nothing that protobuf-es refuses, or reads as something that breaks the limits', () => {
    fc.assert(
      fc.property(mutated(MessageBodySchema, body), (bytes) => {
        if (checkBody(bytes) === undefined) assert.ok(withinLimits(fromBinary(MessageBodySchema, bytes)));
      }),
      { numRuns: 5_000 },
    );
  });

  it('passes unknown fields of every kind but groups', () => {
    const unknown = [0x78, 0x96, 0x01, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7a, 2, 0xff, 0xff, 0x7d, 1, 2, 3, 4];
    assert.equal(checkBody(Uint8Array.of(...encode(text('hi')), ...unknown)), undefined);
  });
});
