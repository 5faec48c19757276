import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId, UserId } from '../core/ids.ts';
import { KeyRing } from '../core/seal.ts';
import { openTarget, sealTarget, targetHash, toldSlot } from './device-codec.ts';
import type { PushTarget } from './push-target.ts';

const keys = new KeyRing([{ id: 1, key: Buffer.alloc(32, 'first') }]);
const [ann, bob] = ['ann', 'bob'] as [UserId, UserId];
const target: PushTarget = { t: 'webpush', endpoint: 'https://push.example/ü', p256dh: 'BA', auth: 'AA' };

describe('a sealed push target', () => {
  it('opens for its device, and for no other one', () => {
    const sealed = sealTarget(keys, ann, 'phone', target);
    assert.deepEqual(openTarget(keys, ann, 'phone', sealed), target);
    assert.ok(!Buffer.from(sealed.bytes).includes('push.example'));
    for (const [user, device] of [
      [bob, 'phone'],
      [ann, 'tablet'],
      ['annp' as UserId, 'hone'],
    ] as const)
      assert.throws(() => openTarget(keys, user, device, sealed));
  });
});

describe('a push target', () => {
  it('is known again by what it is reached by', () => {
    const apns = { t: 'apns', token: 'ab', environment: 'production' } as const;
    const targets: PushTarget[] = [
      target,
      { ...target, endpoint: 'https://push.example/other' },
      { t: 'fcm', token: 'ab' },
      apns,
      { ...apns, topic: 'com.example.app' },
    ];
    const hashes = targets.map((one) => targetHash(one).toString('hex'));
    assert.equal(new Set(hashes).size, targets.length);
    // A browser that makes new keys for the same endpoint is the same browser.
    assert.equal(targetHash({ ...target, auth: 'BB' }).toString('hex'), hashes[0]);
    for (const hash of hashes) assert.equal(hash.length, 32);
  });
});

describe('the place of a conversation', () => {
  it('is one of 128, and they are all used', () => {
    const places = new Set(Array.from({ length: 3_000 }, (_, no) => toldSlot(`room ${no}` as ConvId)));
    assert.equal(places.size, 128);
    assert.deepEqual([Math.min(...places), Math.max(...places)], [0, 127]);
  });
});
