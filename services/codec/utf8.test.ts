import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeUtf8, putUtf8, utf16Length, utf8Size } from './utf8.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
function reference(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Lead and continuation bytes on both sides of every border. */
const borderByte = fc.constantFrom(
  ...[0x00, 0x61, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf],
  ...[0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff],
);
const bytes = fc.oneof(
  fc.array(borderByte, { maxLength: 6 }).map((list) => Uint8Array.from(list)),
  fc.string({ unit: 'binary', maxLength: 100 }).map((text) => new TextEncoder().encode(text)),
  fc.uint8Array({ maxLength: 8 }),
);

describe('UTF-8', () => {
  it('is counted and refused as a strict TextDecoder does', () => {
    fc.assert(
      fc.property(bytes, (input) => {
        assert.equal(utf16Length(input, 0, input.length), reference(input)?.length ?? -1);
      }),
      { numRuns: 10_000 },
    );
  });

  it('is decoded as a strict TextDecoder does', () => {
    fc.assert(
      fc.property(bytes, (input) => {
        const expected = reference(input);
        const decode = () => decodeUtf8(Buffer.from(input), 0, input.length);
        if (expected === undefined) assert.throws(decode);
        else assert.equal(decode(), expected);
      }),
    );
  });

  it('is written with the size that was said, within its bounds', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.nat(0xffff).map((c) => String.fromCharCode(c)) }), (text) => {
        const size = utf8Size(text);
        const target = new Uint8Array(size + 4).fill(0xaa);
        putUtf8(target, 2, text, size);
        assert.deepEqual(target, Uint8Array.of(0xaa, 0xaa, ...new TextEncoder().encode(text), 0xaa, 0xaa));
      }),
    );
  });
});
