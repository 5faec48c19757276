import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Presences } from './presence.ts';

const online = { online: true, lastSeenAtMs: 0 };

describe('presence', () => {
  test('is unknown until it is told, and asked for once', () => {
    const presences = new Presences();
    assert.equal(presences.of('ann', 0), undefined);
    assert.deepEqual(presences.takeChange(), ['ann']);
    presences.of('ann', 0);
    assert.equal(presences.takeChange(), undefined);
    assert.equal(presences.heard('ann', online), true);
    assert.deepEqual(presences.of('ann', 0), online);
    assert.equal(presences.heard('bob', online), false);
  });

  test('is unknown again without a session, and asked for again with the next', () => {
    const presences = new Presences();
    presences.of('ann', 0);
    presences.takeChange();
    presences.heard('ann', online);
    presences.lost();
    assert.equal(presences.of('ann', 0), undefined);
    assert.deepEqual(presences.takeChange(), ['ann']);
  });

  test('watches whom the application asked for last', () => {
    const presences = new Presences();
    for (let n = 0; n < 500; n++) presences.of(`u${n}`, n);
    presences.of('u0', 10_000);
    presences.of('another', 10_001);
    const watched = presences.takeChange();
    assert.equal(watched?.length, 500);
    assert.ok(watched?.includes('u0') && watched.includes('another') && !watched.includes('u1'));
  });

  test('goes on for those who are looked at, however many more are', () => {
    const presences = new Presences();
    const drawn = Array.from({ length: 600 }, (_, no) => `u${no}`);
    for (let redraw = 0; redraw < 20; redraw += 1) {
      const nowMs = redraw * 3_000;
      for (const userId of drawn) presences.of(userId, nowMs);
      const asked = presences.takeChange();
      assert.equal(asked?.length, redraw === 0 ? 500 : undefined);
      for (const userId of asked ?? []) presences.heard(userId, online);
    }
    const known = drawn.filter((userId) => presences.of(userId, 60_000) !== undefined);
    assert.deepEqual(known, drawn.slice(0, 500));
  });
});
