import assert from 'node:assert/strict';
import { createECDH, randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { type PushTarget, pushTargetProblem } from './push-target.ts';

const p256dh = createECDH('prime256v1').generateKeys('base64url');
const auth = randomBytes(16).toString('base64url');

function web(change: object = {}): PushTarget {
  return { t: 'webpush', endpoint: 'https://push.example/a/b?c=d', p256dh, auth, ...change };
}

it('takes targets as browsers and devices have them', () => {
  const sound: readonly PushTarget[] = [
    web(),
    web({ p256dh: `${p256dh}=`, auth: `${auth}==` }),
    { t: 'fcm', token: 'dGVzdA:APA91b-x_y.z' },
    { t: 'apns', token: 'aF'.repeat(32), environment: 'production' },
    { t: 'apns', token: '0'.repeat(200), environment: 'sandbox', topic: 'com.example.app-2' },
  ];
  for (const target of sound) assert.equal(pushTargetProblem(target), undefined, JSON.stringify(target));
});

it('says what is wrong with others', () => {
  const offCurve = Buffer.from(p256dh, 'base64url');
  offCurve[64] = (offCurve[64] as number) ^ 1;
  const cases: readonly (readonly [PushTarget, RegExp])[] = [
    [web({ endpoint: 'nonsense' }), /^endpoint must be a URL/],
    [web({ endpoint: `https://push.example/${'x'.repeat(2_048)}` }), /^endpoint must be a URL/],
    [web({ endpoint: 'http://push.example/' }), /^endpoint must begin with https:/],
    [web({ endpoint: 'https://user@push.example/' }), /^endpoint must not hold a user/],
    [web({ endpoint: 'https://:secret@push.example/' }), /^endpoint must not hold a user/],
    [web({ p256dh: p256dh.slice(1) }), /^p256dh/],
    [web({ p256dh: '' }), /^p256dh/],
    [web({ p256dh: randomBytes(65).fill(2, 0, 1).toString('base64url') }), /^p256dh/],
    [web({ p256dh: offCurve.toString('base64url') }), /^p256dh/],
    [web({ auth: randomBytes(15).toString('base64url') }), /^auth/],
    [web({ auth: '!'.repeat(22) }), /^auth/],
    [{ t: 'fcm', token: '' }, /^token/],
    [{ t: 'fcm', token: 'a b' }, /^token/],
    [{ t: 'fcm', token: 'a\nb' }, /^token/],
    [{ t: 'fcm', token: 'x'.repeat(4_097) }, /^token/],
    [{ t: 'apns', token: 'ab'.repeat(31), environment: 'production' }, /^token/],
    [{ t: 'apns', token: `${'ab'.repeat(32)}c`, environment: 'production' }, /^token/],
    [{ t: 'apns', token: '../'.repeat(22), environment: 'production' }, /^token/],
    [{ t: 'apns', token: 'ab'.repeat(32), environment: 'production', topic: 'a\r\nb' }, /^topic/],
  ];
  for (const [target, problem] of cases) {
    assert.match(pushTargetProblem(target) ?? 'taken', problem, JSON.stringify(target));
  }
});
