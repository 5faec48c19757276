import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { walkFields } from './wire-fields.ts';

type Seen = [number: number, wireType: number, from: number, to: number];

function fieldsOf(bytes: Uint8Array, from = 0, to = bytes.byteLength) {
  const seen: Seen[] = [];
  const isSound = walkFields(bytes, from, to, (...field) => seen.push(field));
  return { seen, isSound };
}

function wireTypeOf(kind: bigint | Uint8Array | 'fixed32' | 'fixed64' | 'group'): WireType {
  if (typeof kind === 'bigint') return WireType.Varint;
  if (kind === 'fixed32') return WireType.Bit32;
  if (kind === 'group') return WireType.StartGroup;
  return kind === 'fixed64' ? WireType.Bit64 : WireType.LengthDelimited;
}

describe('the fields of an encoded message', () => {
  it('are walked over, whatever their type', () => {
    const kinds = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom('fixed32' as const, 'fixed64' as const, 'group' as const),
    );
    const fields = fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** 29 - 1 }), kinds), { maxLength: 20 });
    fc.assert(
      fc.property(fields, (given) => {
        const writer = new BinaryWriter();
        for (const [number, kind] of given) {
          if (typeof kind === 'bigint') writer.tag(number, WireType.Varint).uint64(kind);
          else if (kind === 'fixed32') writer.tag(number, WireType.Bit32).fixed32(7);
          else if (kind === 'fixed64') writer.tag(number, WireType.Bit64).fixed64(7n);
          else if (kind === 'group') writer.tag(number, WireType.StartGroup).tag(number, WireType.EndGroup);
          else writer.tag(number, WireType.LengthDelimited).bytes(kind);
        }
        const bytes = writer.finish();
        const { seen, isSound } = fieldsOf(bytes);
        assert.ok(isSound);
        assert.deepEqual(
          seen.map(([number, wireType]) => [number, wireType]),
          given.map(([number, kind]) => [number, wireTypeOf(kind)]),
        );
        const contents = seen.flatMap(([, , from, to]) => (from < 0 ? [] : [bytes.slice(from, to)]));
        const given_ = given.flatMap(([, kind]) =>
          kind instanceof Uint8Array ? [Uint8Array.from(kind)] : [],
        );
        assert.deepEqual(contents, given_);
      }),
    );
  });

  it('end where it is no message, or none that an encoder writes', () => {
    const cases: readonly (readonly [string, readonly number[], number])[] = [
      ['a tag without an end', [0x08, 1, 0x80], 1],
      ['a tag of six bytes', [0x08, 1, 0x88, 0x80, 0x80, 0x80, 0x80, 0x00, 1], 1],
      ['a tag of more than 32 bits', [0x08, 1, 0x88, 0x80, 0x80, 0x80, 0x10, 1], 1],
      ['field 0', [0x08, 1, 0x02, 0], 1],
      ['a wire type that there is not', [0x08, 1, 0x0e, 1, 0x08, 1], 1],
      ['a group without an end', [0x08, 1, 0x0b], 2],
      ['the end of another group', [0x08, 1, 0x0b, 0x14], 2],
      ['the end of no group', [0x08, 1, 0x0c], 1],
      ['a length beyond the end', [0x08, 1, 0x12, 3, 1, 2], 1],
      ['a length of 2^32', [0x12, 0x80, 0x80, 0x80, 0x80, 0x10], 0],
      ['a length of 2^63', [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1], 0],
      ['a length of six bytes', [0x12, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], 0],
      ['a length without an end', [0x12, 0x80], 0],
      ['a varint without an end', [0x08, 1, 0x08, 0x80], 1],
      ['four bytes of three', [0x08, 1, 0x0d, 1, 2, 3], 1],
      ['eight bytes of seven', [0x08, 1, 0x09, 1, 2, 3, 4, 5, 6, 7], 1],
    ];
    for (const [name, bytes, count] of cases) {
      const { seen, isSound } = fieldsOf(Uint8Array.from(bytes));
      assert.deepEqual([seen.length, isSound], [count, false], name);
      // Behind the end there may be more of whatever it stands in.
      const more = Uint8Array.from([...bytes, 0, 0, 0, 0, 0, 0, 0, 0]);
      if (name.includes('without an end') || name.includes('bytes of'))
        assert.equal(fieldsOf(more, 0, bytes.length).isSound, false, name);
    }
    assert.deepEqual(fieldsOf(Uint8Array.of()), { seen: [], isSound: true });
    // Field 2 in a group 1, and another one behind it.
    const grouped = fieldsOf(Uint8Array.of(0x0b, 0x12, 0x01, 0x08, 0x0c, 0x10, 0x01));
    assert.deepEqual(grouped, {
      seen: [
        [1, 3, -1, -1],
        [0, 2, 3, 4],
        [2, 0, -1, -1],
      ],
      isSound: true,
    });
  });

  it('are no more than there are bytes, whatever these are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), fc.nat(200), (bytes, from, to) => {
        const end = Math.min(to, bytes.length);
        const { seen } = fieldsOf(bytes, from, end);
        assert.ok(seen.length <= Math.max(0, end - from));
        for (const [, , start, stop] of seen) assert.ok(start === -1 || (start >= from && stop <= end));
      }),
    );
  });
});
