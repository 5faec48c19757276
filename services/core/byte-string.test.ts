import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { byteString, bytesOf, putByteString } from './byte-string.ts';

it('holds any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(9), (bytes, at) => {
      const value = byteString(bytes);
      assert.equal(value.length, bytes.length);
      assert.deepEqual(new Uint8Array(bytesOf(value)), bytes);
      const buf = Buffer.alloc(at + bytes.length + 1, 7);
      assert.equal(putByteString(buf, at, value), at + bytes.length);
      assert.deepEqual(new Uint8Array(buf.subarray(at, at + bytes.length)), bytes);
      assert.equal(buf.at(-1), 7);
    }),
  );
});

it('takes a part of a buffer as that part', () => {
  const whole = new Uint8Array([1, 2, 3, 4]);
  assert.equal(byteString(whole.subarray(1, 3)), '\x02\x03');
});
