import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TurnedClock } from './testing/turned-clock.ts';
import { Tokens } from './tokens.ts';

const clock = new TurnedClock();
const jwt = (lifeMs: number): string => {
  const claims = JSON.stringify({ sub: 'zoë', exp: Math.floor((clock.wallMs() + lifeMs) / 1_000) });
  return `head.${Buffer.from(claims).toString('base64url')}.signature`;
};

describe('tokens', () => {
  test('in development a name is enough, and with a token it is not sent', async () => {
    assert.deepEqual(await new Tokens({ source: { userId: 'ann' }, clock }).credentials(true), {
      token: '',
      userId: 'ann',
    });
    assert.deepEqual(await new Tokens({ source: { userId: 'ann', token: 't' }, clock }).credentials(true), {
      token: 't',
      userId: '',
    });
  });

  test('are fetched anew for each session, and shared by the calls beside it', async () => {
    let fetched = 0;
    const tokens = new Tokens({ source: { getToken: async () => `t${++fetched}` }, clock });
    assert.equal((await tokens.credentials(true)).token, 't1');
    assert.equal((await tokens.credentials(false)).token, 't1');
    assert.equal((await tokens.credentials(true)).token, 't2');
  });

  test('are renewed a minute before they end, or half-way when they are short', async () => {
    for (const [lifeMs, dueMs] of [
      [3_600_000, 3_540_000],
      [60_000, 30_000],
    ] as const) {
      const tokens = new Tokens({ source: { getToken: async () => jwt(lifeMs) }, clock });
      await tokens.credentials(true);
      tokens.inUse();
      assert.equal(tokens.dueMs(), dueMs);
      assert.equal(await tokens.renew(dueMs - 1), undefined);
      assert.equal(typeof (await tokens.renew(dueMs)), 'string');
    }
  });

  test('are renewed by the server’s clock: this one may be wrong', async () => {
    for (const skewMs of [-1_200_000, 1_200_000]) {
      const tokens = new Tokens({ source: { getToken: async () => jwt(900_000 + skewMs) }, clock });
      tokens.serverTime(clock.wallMs() + skewMs);
      await tokens.credentials(true);
      tokens.inUse();
      assert.equal(tokens.dueMs(), clock.monotonicMs() + 840_000);
    }
  });

  test('that seem to be over are not fetched again and again', async () => {
    const tokens = new Tokens({ source: { getToken: async () => jwt(-60_000) }, clock });
    await tokens.credentials(true);
    tokens.inUse();
    assert.equal(tokens.dueMs(), clock.monotonicMs() + 5_000);
  });

  test('that say nothing of their end, or can not be fetched, are not renewed', async () => {
    const opaque = new Tokens({ source: { getToken: async () => 'opaque' }, clock });
    await opaque.credentials(true);
    opaque.inUse();
    assert.equal(opaque.dueMs(), Number.POSITIVE_INFINITY);
    let fails = false;
    const failing = new Tokens({
      source: {
        getToken: async () => {
          if (fails) throw new Error('no network');
          return jwt(100_000);
        },
      },
      clock,
    });
    await failing.credentials(true);
    failing.inUse();
    fails = true;
    assert.equal(await failing.renew(1e9), undefined);
  });
});
