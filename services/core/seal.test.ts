import assert from 'node:assert/strict';
import { hkdfSync } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ByteString } from './byte-string.ts';
import type { ConvId } from './ids.ts';
import * as any from '../adapters/embedded/testing/arbitrary.ts';
import { KeyRing, type MasterKey } from './seal.ts';

const one: MasterKey = { id: 1, key: Buffer.alloc(32, 1) };
const two: MasterKey = { id: 2, key: Buffer.alloc(32, 2) };
const talk = 'd_talk' as ConvId;
const content = 'content' as ByteString;

describe('sealing', () => {
  it('opens to what was sealed', () => {
    const ring = new KeyRing([one]);
    fc.assert(
      fc.property(any.convId, any.u64, any.u32, any.content, (convId, msgId, revision, plain) => {
        const sealed = ring.of(convId).seal(msgId, revision, plain);
        assert.equal(ring.of(convId).open(msgId, revision, sealed), plain);
      }),
    );
  });

  it('does not open elsewhere, or changed in any bit', () => {
    const ring = new KeyRing([one, two]);
    const sealed = ring.of(talk).seal(5n, 0, content);
    assert.throws(() => ring.of('d_other' as ConvId).open(5n, 0, sealed));
    assert.throws(() => ring.of(talk).open(6n, 0, sealed));
    assert.throws(() => ring.of(talk).open(5n, 1, sealed));
    assert.throws(() => ring.of(talk).open(5n, 0, { ...sealed, keyId: 1 }));
    assert.throws(
      () => ring.of(talk).open(5n, 0, { ...sealed, keyId: 3 }),
      /master key 3, which was not given/,
    );
    for (let bit = 0; bit < 8 * sealed.bytes.byteLength; bit++) {
      const bytes = Buffer.from(sealed.bytes);
      bytes[bit >>> 3] = (bytes[bit >>> 3] as number) ^ (1 << (bit & 7));
      assert.throws(() => ring.of(talk).open(5n, 0, { keyId: sealed.keyId, bytes }));
    }
    assert.throws(() => ring.of(talk).open(5n, 0, { keyId: 2, bytes: Buffer.alloc(27) }), RangeError);
  });

  it('draws a new nonce each time', () => {
    const ring = new KeyRing([one]);
    const nonces = new Set<string>();
    for (let at = 0; at < 5_000; at++)
      nonces.add(Buffer.from(ring.of(talk).seal(1n, 0, content).bytes.subarray(0, 12)).toString('hex'));
    assert.equal(nonces.size, 5_000);
  });

  it('seals with the highest id, whatever the order, and opens with all', () => {
    const before = new KeyRing([one]).of(talk).seal(5n, 0, content);
    const ring = new KeyRing([two, one]);
    assert.equal(ring.of(talk).seal(5n, 0, content).keyId, 2);
    assert.equal(ring.of(talk).open(5n, 0, before), content);
    assert.equal(ring.of(talk).seal(5n, 0, content, 1).keyId, 1);
  });

  it('seals with the key that is said to, and opens what a higher one sealed', () => {
    const after = new KeyRing([one, two]).of(talk).seal(5n, 0, content);
    const ring = new KeyRing([{ ...one, seals: true }, two]);
    const sealed = ring.of(talk).seal(5n, 0, content);
    assert.equal(sealed.keyId, 1);
    assert.equal(new KeyRing([one]).of(talk).open(5n, 0, sealed), content);
    assert.equal(ring.of(talk).open(5n, 0, after), content);
  });

  it('uses HKDF-SHA-256 of master key, key id and conversation, so that other programs can open it', async () => {
    const sealed = new KeyRing([one]).of(talk).seal(5n, 7, content);
    const raw = hkdfSync('sha256', one.key, 'parley store v1', '1\0d_talk', 32);
    const key = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['decrypt']);
    const additionalData = Buffer.concat([
      Buffer.of(0, 6),
      Buffer.from('d_talk'),
      Buffer.of(0, 0, 0, 0, 0, 0, 0, 5),
      Buffer.of(0, 0, 0, 7),
    ]);
    const iv = Buffer.from(sealed.bytes.subarray(0, 12));
    const opened = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv, additionalData },
      key,
      Buffer.from(sealed.bytes.subarray(12)),
    );
    assert.equal(Buffer.from(opened).toString(), content);
  });

  it('refuses keys that are none', () => {
    assert.throws(() => new KeyRing([]), /no master key/);
    assert.throws(() => new KeyRing([one, { ...two, id: 1 }]), /same id/);
    assert.throws(() => new KeyRing([{ id: 1, key: Buffer.alloc(16) }]), /32 bytes/);
    for (const id of [0, -1, 1.5, 2 ** 32])
      assert.throws(() => new KeyRing([{ ...one, id }]), /id of a master key/);
  });
});
