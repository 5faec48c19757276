import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mode } from '../core/core-options.ts';
import { Authenticator, requireScope } from './auth.ts';
import { Tokens } from './token.ts';

let wallMs = 1_800_000_000_000;
const clock = { wallMs: () => wallMs, monotonicMs: () => 0 };
const tokens = new Tokens(['s'.repeat(32)], clock);
const authenticator = (mode: Mode) => new Authenticator({ mode, tokens, clock });
const production = authenticator('production');
const development = authenticator('development');
const call = (bearer?: string, user?: string) => ({ bearer, user, remoteAddress: '127.0.0.1' });
const alice = (await tokens.issueUser('alice', 60)).token;
const actor = (await tokens.issueService('desk', ['act', 'send'], 60)).token;
const meek = (await tokens.issueService('meek', ['send'], 60)).token;

test('a session is the user of its token', async () => {
  const { userId, expiresAtMs } = await production.signIn({ token: alice, userId: '' });
  assert.deepEqual({ userId, expiresAtMs }, { userId: 'alice', expiresAtMs: wallMs + 60_000 });
  assert.equal((await production.signIn({ token: alice, userId: 'alice' })).userId, 'alice');
  await assert.rejects(development.signIn({ token: alice, userId: 'bob' }), { reason: 'tokenInvalid' });
  await assert.rejects(production.signIn({ token: actor, userId: '' }), { reason: 'tokenInvalid' });
  await assert.rejects(production.signIn({ token: '', userId: '' }), { reason: 'tokenMissing' });
});

test('a bare name signs in in development alone', async () => {
  assert.deepEqual(await development.signIn({ token: '', userId: 'bob' }), {
    userId: 'bob',
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

test('a remembered token expires all the same', async () => {
  let verified = 0;
  const counting = { verify: (token: string) => (verified++, tokens.verify(token)) };
  const remembering = new Authenticator({ mode: 'production', tokens: counting, clock });
  await remembering.verify(alice);
  await remembering.verify(alice);
  assert.equal(verified, 1);
  wallMs += 66_000;
  await assert.rejects(remembering.verify(alice), { reason: 'tokenExpired' });
  await assert.rejects(remembering.verify(alice), { reason: 'tokenExpired' });
});
