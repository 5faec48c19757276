import assert from 'node:assert/strict';
import { createHmac, createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import { SignJWT, UnsecuredJWT } from 'jose';
import type { Clock } from '../core/clock.ts';
import { Fault, type FaultReason } from '../core/fault.ts';
import { longestTokenSeconds, Tokens } from './token.ts';

const secret = 'a'.repeat(40);
const nowMs = 1_800_000_000_000;
const at = (wallMs: number): Clock => ({ wallMs: () => wallMs, monotonicMs: () => 0 });
const tokens = new Tokens([secret], at(nowMs));

const refuses = (token: string, reason: FaultReason, by = tokens) =>
  assert.rejects(by.verify(token), (error) => error instanceof Fault && error.reason === reason);

/** A token as another issuer might make it, each part as a test likes it. */
function forge(claims: Record<string, unknown>, key = secret, alg = 'HS256'): Promise<string> {
  const whole = { sub: 'alice', aud: 'parley', exp: nowMs / 1000 + 60, ...claims };
  return new SignJWT(whole).setProtectedHeader({ alg }).sign(createSecretKey(Buffer.from(key)));
}

test('a user token names its user until it expires', async () => {
  const issued = await tokens.issueUser('älice', 60);
  assert.equal(issued.expiresAtMs, nowMs + 60_000);
  const identity = { kind: 'user', userId: 'älice', issuedAtMs: nowMs, expiresAtMs: nowMs + 60_000 };
  assert.deepEqual(await tokens.verify(issued.token), identity);
  assert.deepEqual(await new Tokens([secret], at(nowMs + 64_000)).verify(issued.token), identity);
  await refuses(issued.token, 'tokenExpired', new Tokens([secret], at(nowMs + 65_000)));
});

test('a service token carries its scopes', async () => {
  const { token } = await tokens.issueService('billing', ['send', 'ids'], 60);
  assert.deepEqual(await tokens.verify(token), {
    kind: 'service',
    service: 'billing',
    scopes: new Set(['send', 'ids']),
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + 60_000,
  });
  const foreign = await tokens.verify(await forge({ svc: true, scope: 'send fly' }));
  assert.deepEqual(foreign.kind === 'service' && [...foreign.scopes], ['send']);
});

test('a token that does not say when it was issued counts as the oldest', async () => {
  assert.equal((await tokens.verify(await forge({}))).issuedAtMs, 0);
  const iat = nowMs / 1000 - 12;
  assert.equal((await tokens.verify(await forge({ iat }))).issuedAtMs, nowMs - 12_000);
});

test('a token from the future is refused: no revocation of today would mean it', async () => {
  const now = nowMs / 1000;
  // Clocks differ by some seconds.
  assert.equal((await tokens.verify(await forge({ iat: now + 5 }))).issuedAtMs, nowMs + 5_000);
  for (const iat of [now + 6, now + 200 * 86_400, nowMs]) await refuses(await forge({ iat }), 'tokenInvalid');
});

test('no token is good for longer than a revocation is kept', async () => {
  const now = nowMs / 1000;
  const exp = now + longestTokenSeconds + 5;
  for (const claims of [{ exp }, { exp, iat: now }, { exp, svc: true }, { exp: exp - 9, iat: now - 9 }]) {
    assert.equal((await tokens.verify(await forge(claims))).expiresAtMs, claims.exp * 1000);
  }
  for (const claims of [
    { exp: exp + 1 },
    { exp: exp + 1, svc: true },
    { exp: 4e10 },
    { exp, iat: now - 1 },
  ]) {
    const problem = { reason: 'tokenInvalid', message: /more than 366 days/ };
    await assert.rejects(tokens.verify(await forge(claims)), problem);
  }
  const long = await forge({ exp: exp + 60, iat: now });
  await refuses(long, 'tokenInvalid', new Tokens([secret], at(nowMs + 61_000)));
  await refuses(long, 'tokenExpired', new Tokens([secret], at(nowMs + longestTokenSeconds * 1000 + 90_000)));
});

test('a scope without svc makes no service', async () => {
  assert.equal((await tokens.verify(await forge({ scope: 'admin' }))).kind, 'user');
});

test('secrets rotate: the first signs, all verify', async () => {
  const next = 'b'.repeat(40);
  const rotating = new Tokens([next, secret], at(nowMs));
  const old = await tokens.issueUser('alice', 60);
  assert.equal((await rotating.verify(old.token)).kind, 'user');
  const fresh = await rotating.issueUser('alice', 60);
  await refuses(fresh.token, 'tokenInvalid');
  assert.equal((await new Tokens([next], at(nowMs)).verify(fresh.token)).kind, 'user');
});

test('what is forged, foreign or malformed is refused', async () => {
  const good = await forge({});
  const [header, payload, signature] = good.split('.') as [string, string, string];
  const none = new UnsecuredJWT({ sub: 'alice' }).setAudience('parley').setExpirationTime('1h').encode();
  const flipped = Buffer.from(JSON.stringify({ sub: 'admin', aud: 'parley', exp: 4e9 })).toString(
    'base64url',
  );
  // The header says none, the signature is nevertheless a good one.
  const disguised = Buffer.from('{"alg":"none"}').toString('base64url');
  const mac = createHmac('sha256', secret).update(`${disguised}.${payload}`).digest('base64url');
  const bad: Record<string, string> = {
    'another secret': await forge({}, 'x'.repeat(40)),
    'an expired one of another secret': await forge({ exp: 1 }, 'x'.repeat(40)),
    HS384: await forge({}, 'a'.repeat(48), 'HS384'),
    HS512: await forge({}, 'a'.repeat(64), 'HS512'),
    'alg none': none,
    'alg none with a signature': `${disguised}.${payload}.${mac}`,
    'changed claims': `${header}.${flipped}.${signature}`,
    'no signature': `${header}.${payload}.`,
    'two parts': `${header}.${payload}`,
    'foreign audience': await forge({ aud: 'other' }),
    'no audience': await forge({ aud: undefined }),
    'no expiry': await forge({ exp: undefined }),
    'expiry in text': await forge({ exp: '4000000000' }),
    'no subject': await forge({ sub: undefined }),
    'subject in numbers': await forge({ sub: 7 }),
    'empty subject': await forge({ sub: '' }),
    'control character': await forge({ sub: 'a\u0000b' }),
    'long subject': await forge({ sub: 'a'.repeat(65) }),
    'not yet valid': await forge({ nbf: nowMs / 1000 + 60 }),
    'svc in text': await forge({ svc: 'true' }),
    'scope in a list': await forge({ svc: true, scope: ['admin'] }),
    oversized: await forge({ filler: 'x'.repeat(4_096) }),
    nothing: '',
    noise: 'a.b.c',
    unicode: '💬.💬.💬',
  };
  for (const [what, token] of Object.entries(bad)) {
    await assert.rejects(tokens.verify(token), { reason: 'tokenInvalid' }, what);
  }
  await refuses(await forge({ exp: nowMs / 1000 - 60 }), 'tokenExpired');
});

test('names that cannot be ids get no token', async () => {
  await assert.rejects(tokens.issueUser('', 60), { reason: 'invalidId' });
  await assert.rejects(tokens.issueService('a\nb', [], 60), { reason: 'invalidId' });
});
