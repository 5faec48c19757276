import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mode } from '../core/core-options.ts';
import type { UserId } from '../core/ids.ts';
import { DirectoryError, type Revocation } from '../ports/directory.ts';
import { Authenticator, requireScope, requireService } from './auth.ts';
import { ConnectionMeters } from './meters.ts';
import { Tokens } from './token.ts';

let wallMs = 1_800_000_000_000;
const clock = { wallMs: () => wallMs, monotonicMs: () => 0 };
const tokens = new Tokens(['s'.repeat(32)], clock);
const meters = new ConnectionMeters();
/** What stands, and how often somebody asked. */
class Standing {
  revocations: Revocation[] = [];
  away = false;
  asked = 0;
  /** What happens between reading the answer and giving it. */
  during = (): void => {};
  readonly of = async (userId: UserId): Promise<readonly Revocation[]> => {
    this.asked += 1;
    if (this.away) throw new DirectoryError('unavailable', 'away');
    const answer = this.revocations.filter((each) => each.userId === userId);
    this.during();
    return answer;
  };
}
const authenticator = (mode: Mode, revocations = new Standing()) =>
  new Authenticator({ mode, tokens, clock, revocations, meters });
const production = authenticator('production');
const development = authenticator('development');
const call = (bearer?: string, user?: string) => ({ bearer, user, remoteAddress: '127.0.0.1' });
const alice = (await tokens.issueUser('alice', 60)).token;
const actor = (await tokens.issueService('desk', ['act', 'send'], 60)).token;
const meek = (await tokens.issueService('meek', ['send'], 60)).token;

test('a session is the user of its token', async () => {
  assert.deepEqual(await production.signIn({ token: alice, userId: '' }), {
    userId: 'alice',
    issuedAtMs: wallMs,
    expiresAtMs: wallMs + 60_000,
  });
  assert.equal((await production.signIn({ token: alice, userId: 'alice' })).userId, 'alice');
  await assert.rejects(development.signIn({ token: alice, userId: 'bob' }), { reason: 'tokenInvalid' });
  await assert.rejects(production.signIn({ token: actor, userId: '' }), { reason: 'tokenInvalid' });
  await assert.rejects(production.signIn({ token: '', userId: '' }), { reason: 'tokenMissing' });
});

test('a bare name signs in in development alone', async () => {
  assert.deepEqual(await development.signIn({ token: '', userId: 'bob' }), {
    userId: 'bob',
    issuedAtMs: 0,
    expiresAtMs: Number.POSITIVE_INFINITY,
  });
  await assert.rejects(development.signIn({ token: '', userId: 'b\u0007' }), { reason: 'invalidId' });
  await assert.rejects(production.signIn({ token: '', userId: 'bob' }), { reason: 'developmentOnly' });
  // A bad token is no bare name.
  await assert.rejects(development.signIn({ token: 'x', userId: 'bob' }), { reason: 'tokenInvalid' });
});

test('unary calls: users, services for users, services themselves', async () => {
  const who = async (bearer?: string, user?: string) => {
    const { kind, userId } = await production.resolveCaller(call(bearer, user));
    return `${kind} ${userId}`;
  };
  assert.equal(await who(alice), 'user alice');
  assert.equal(await who(alice, 'alice'), 'user alice');
  assert.equal(await who(actor, 'bob'), 'delegate bob');
  assert.equal(await who(actor), 'bot desk');
  assert.equal(await who(meek), 'bot meek');
  await assert.rejects(who(alice, 'bob'), { reason: 'scopeMissing' });
  await assert.rejects(who(meek, 'bob'), { reason: 'scopeMissing' });
  await assert.rejects(who(actor, 'b\nb'), { reason: 'invalidId' });
  await assert.rejects(who(undefined, 'bob'), { reason: 'developmentOnly' });
  await assert.rejects(who(), { reason: 'tokenMissing' });
  await assert.rejects(who('noise'), { reason: 'tokenInvalid' });
  assert.equal((await development.resolveCaller(call(undefined, 'bob'))).userId, 'bob');
  await assert.rejects(development.resolveCaller(call('noise', 'bob')), { reason: 'tokenInvalid' });
});

test('scopes are those of the token', async () => {
  const bot = await production.resolveCaller(call(meek));
  requireScope(bot, 'send');
  assert.throws(() => requireScope(bot, 'admin'), { reason: 'scopeMissing' });
  const user = await production.resolveCaller(call(alice));
  assert.throws(() => requireScope(user, 'send'), { reason: 'scopeMissing' });
});

const revoked = (userId: string, fields: Partial<Revocation> = {}): Revocation => ({
  userId: userId as UserId,
  deviceId: '',
  issuedUntilMs: wallMs,
  endsAtMs: wallMs + 1_000_000,
  ...fields,
});

test('a call with a revoked token is refused, of services, too; other tokens are good', async () => {
  const standing = new Standing();
  const auth = authenticator('production', standing);
  assert.equal((await auth.resolveCaller(call(alice))).userId, 'alice');
  for (const each of [revoked('alice'), revoked('desk'), revoked('carol')]) {
    standing.revocations.push(each);
    auth.revoked(each);
  }
  await assert.rejects(auth.resolveCaller(call(alice)), { reason: 'tokenRevoked' });
  await assert.rejects(auth.resolveCaller(call(actor, 'bob')), { reason: 'tokenRevoked' });
  assert.equal((await auth.resolveCaller(call(meek))).userId, 'meek');
});

test('a token that was issued after the revocation is good, and so is a call where a device is revoked', async () => {
  const standing = new Standing();
  const auth = authenticator('production', standing);
  standing.revocations = [
    revoked('alice', { issuedUntilMs: wallMs - 1 }),
    revoked('alice', { deviceId: 'phone' }),
  ];
  assert.equal((await auth.resolveCaller(call(alice))).userId, 'alice');
  const phone = { userId: 'alice' as UserId, deviceId: 'phone', issuedAtMs: wallMs };
  await assert.rejects(auth.check(phone), { reason: 'tokenRevoked' });
  assert.equal(await auth.check({ ...phone, deviceId: 'desk' }), true);
});

test('the directory is asked once for a token, again when its user is named, and always where it could not say', async () => {
  const standing = new Standing();
  const auth = authenticator('production', standing);
  const calls = async (count: number) => {
    for (let i = 0; i < count; i++) await auth.resolveCaller(call(alice));
  };
  await calls(5);
  assert.equal(standing.asked, 1);
  auth.revoked(revoked('bob'));
  await calls(5);
  assert.equal(standing.asked, 1);
  auth.revoked(revoked('alice'));
  standing.away = true;
  const before = meters.revocationsUnchecked;
  await calls(5);
  assert.equal(standing.asked, 6);
  assert.equal(meters.revocationsUnchecked, before + 5);
  standing.away = false;
  await calls(5);
  assert.equal(standing.asked, 7);
});

test('I6: whoever was named among very many is asked about again', async () => {
  const standing = new Standing();
  const auth = authenticator('production', standing);
  await auth.resolveCaller(call(alice));
  standing.revocations.push(revoked('alice'));
  auth.revoked(revoked('alice'));
  for (let i = 0; i < 25_000; i++) auth.revoked(revoked(`user ${i}`));
  await assert.rejects(auth.resolveCaller(call(alice)), { reason: 'tokenRevoked' });
});

test('a revocation that comes while the directory answers is not missed', async () => {
  const standing = new Standing();
  const auth = authenticator('production', standing);
  standing.during = () => {
    standing.revocations.push(revoked('alice'));
    auth.revoked(revoked('alice'));
  };
  await auth.resolveCaller(call(alice));
  await assert.rejects(auth.resolveCaller(call(alice)), { reason: 'tokenRevoked' });
});

test('what is for services is for no user', async () => {
  requireService(await production.resolveCaller(call(meek)));
  requireService(await production.resolveCaller(call(actor, 'bob')));
  const user = await production.resolveCaller(call(alice));
  assert.throws(() => requireService(user), { reason: 'scopeMissing' });
});

test('a remembered token expires all the same', async () => {
  let verified = 0;
  const counting = { verify: (token: string) => (verified++, tokens.verify(token)) };
  const remembering = new Authenticator({
    ...{ mode: 'production', tokens: counting, clock, meters },
    revocations: new Standing(),
  });
  await remembering.verify(alice);
  await remembering.verify(alice);
  assert.equal(verified, 1);
  wallMs += 66_000;
  await assert.rejects(remembering.verify(alice), { reason: 'tokenExpired' });
  await assert.rejects(remembering.verify(alice), { reason: 'tokenExpired' });
});
