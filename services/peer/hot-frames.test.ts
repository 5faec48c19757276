import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FieldWriter } from '../codec/field-writer.ts';
import { Reader } from '../codec/reader.ts';
import type { UserId } from '../core/ids.ts';
import * as edge from './edge-wire.ts';
import * as owner from './owner-wire.ts';
import * as any from './testing/arbitrary.ts';

/** The hand-written frames and those of protobuf-es are the same, both ways. */

interface Wire<T> {
  readonly frame: fc.Arbitrary<T>;
  readonly encode: (frames: readonly T[]) => Uint8Array;
  readonly encodeBySchema: (frames: readonly T[]) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => readonly T[];
  readonly decodeBySchema: (bytes: Uint8Array) => readonly T[];
}

type EdgeFrames = Parameters<typeof edge.encodeEdgeFrames>[0];
type OwnerFrames = Parameters<typeof owner.encodeOwnerFrames>[0];

const edgeWire: Wire<EdgeFrames[number]> = {
  frame: fc.oneof(any.edgeFrame, any.hotEdgeFrame),
  encode: edge.encodeEdgeFrames,
  encodeBySchema: edge.encodeBySchema,
  decode: edge.decodeEdgeFrames,
  decodeBySchema: edge.decodeBySchema,
};

const ownerWire: Wire<OwnerFrames[number]> = {
  frame: fc.oneof(any.ownerFrame, any.hotOwnerFrame),
  encode: owner.encodeOwnerFrames,
  encodeBySchema: owner.encodeBySchema,
  decode: owner.decodeOwnerFrames,
  decodeBySchema: owner.decodeBySchema,
};

/** What a decoder makes of bytes: its frames, or that it finds fault with them. */
function outcome<T>(
  decode: (bytes: Uint8Array) => readonly T[],
  bytes: Uint8Array,
): readonly T[] | 'refused' {
  try {
    return decode(bytes);
  } catch {
    return 'refused';
  }
}

/** A byte that means something where a tag or a length may stand. */
const tellingByte = fc.oneof(
  fc.constantFrom(
    0x00,
    0x01,
    0x08,
    0x0a,
    0x10,
    0x12,
    0x18,
    0x1a,
    0x20,
    0x22,
    0x28,
    0x2a,
    0x42,
    0x7f,
    0x80,
    0xff,
  ),
  fc.nat(255),
);
const damage = fc.record({
  at: fc.nat(),
  removed: fc.nat(3),
  put: fc.array(tellingByte, { maxLength: 3 }),
});

function damaged(bytes: Uint8Array, { at, removed, put }: { at: number; removed: number; put: number[] }) {
  const from = at % (bytes.byteLength + 1);
  return Uint8Array.of(...bytes.subarray(0, from), ...put, ...bytes.subarray(from + removed));
}

/** What stands in the only frame of a message. */
function contentOf(message: Uint8Array): Uint8Array {
  const reader = new Reader(message);
  reader.pos = 1;
  return message.subarray(message.byteLength - reader.uint32());
}

function inOne(contents: readonly Uint8Array[]): Uint8Array {
  const to = new FieldWriter();
  to.begin();
  to.message(0x0a, Buffer.concat(contents));
  return new Uint8Array(to.finish());
}

function suite<T>(name: string, wire: Wire<T>): void {
  const frames = fc.array(wire.frame, { maxLength: 4 });
  describe(name, () => {
    it('are written byte for byte alike', () => {
      fc.assert(
        fc.property(frames, (list) => {
          const bytes = new Uint8Array(wire.encode(list));
          assert.deepEqual(bytes, wire.encodeBySchema(list));
        }),
        { numRuns: 2_000 },
      );
    });

    it('are read alike', () => {
      fc.assert(
        fc.property(frames, (list) => {
          assert.deepEqual(wire.decode(wire.encodeBySchema(list)), list);
        }),
        { numRuns: 2_000 },
      );
    });

    it('are read alike, or refused alike, where they are damaged', () => {
      fc.assert(
        fc.property(frames, fc.array(damage, { minLength: 1, maxLength: 3 }), (list, damages) => {
          const bytes = damages.reduce(damaged, wire.encodeBySchema(list));
          assert.deepEqual(outcome(wire.decode, bytes), outcome(wire.decodeBySchema, bytes));
        }),
        { numRuns: 10_000 },
      );
    });

    it('are read alike where one frame holds what several do', () => {
      fc.assert(
        fc.property(fc.array(wire.frame, { minLength: 2, maxLength: 3 }), (list) => {
          const bytes = inOne(list.map((frame) => contentOf(wire.encodeBySchema([frame]))));
          assert.deepEqual(outcome(wire.decode, bytes), outcome(wire.decodeBySchema, bytes));
        }),
        { numRuns: 3_000 },
      );
    });

    it('are read alike when they are cut short', () => {
      fc.assert(
        fc.property(frames, (list) => {
          const whole = wire.encodeBySchema(list);
          for (let length = 0; length < whole.byteLength; length += 1) {
            const cut = whole.slice(0, length);
            assert.deepEqual(outcome(wire.decode, cut), outcome(wire.decodeBySchema, cut));
          }
        }),
      );
    });
  });
}

suite('frames of connection nodes', edgeWire);
suite('frames of message nodes', ownerWire);

it('a frame with numbers that are none is refused by its writer, and the next one is written whole', () => {
  const delivered = (seq: number) => ({
    t: 'delivered' as const,
    items: [{ convId: 'c' as never, userId: 'u' as UserId, seq }],
  });
  for (const seq of [0.5, Number.NaN, 2 ** 53])
    assert.throws(() => edge.encodeEdgeFrames([delivered(seq)]), RangeError);
  assert.deepEqual(
    new Uint8Array(edge.encodeEdgeFrames([delivered(7)])),
    edge.encodeBySchema([delivered(7)]),
  );
});

it('a field behind the operation is the command’s, not the operation’s', () => {
  const to = new FieldWriter();
  to.begin();
  const frame = to.open(0x0a, 1);
  const command = to.open(0x12, 1);
  to.text(0x1a, 'first');
  const send = to.open(0x22, 1);
  to.text(0x0a, 'c');
  to.close(send, 1);
  to.text(0x1a, 'last');
  to.close(command, 1);
  to.close(frame, 1);
  const bytes = new Uint8Array(to.finish());
  assert.deepEqual(edge.decodeEdgeFrames(bytes), edge.decodeBySchema(bytes));
  const [decoded] = edge.decodeEdgeFrames(bytes);
  assert.ok(decoded?.t === 'command' && decoded.userId === 'last');
});

it('times before 1970 are written and read alike', () => {
  const entry = { ...fc.sample(any.entry, 1)[0]!, createdAtMs: -1 };
  const bytes = owner.encodeOwnerFrames([{ t: 'entry', audience: 1, incarnation: 2, entry }]);
  assert.deepEqual(owner.decodeOwnerFrames(bytes), owner.decodeBySchema(bytes));
  assert.deepEqual(owner.decodeOwnerFrames(bytes)[0], { t: 'entry', audience: 1, incarnation: 2, entry });
});

it('large contents need larger buffers than small ones', () => {
  for (const length of [10, 200, 20_000, 70_000, 2_000_000, 10]) {
    const frame = {
      t: 'cursor' as const,
      convId: 'c'.repeat(length) as never,
      userId: 'ü'.repeat(length) as UserId,
      deliveredSeq: 1,
      readSeq: 2,
      to: [],
    };
    assert.deepEqual(
      new Uint8Array(owner.encodeOwnerFrames([frame, frame])),
      owner.encodeBySchema([frame, frame]),
    );
  }
});
