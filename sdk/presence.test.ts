import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Presences } from './presence.ts';

const online = { online: true, lastSeenAtMs: 0 };

describe('presence', () => {
  test('is unknown until it is told, and asked for once', () => {
    const presences = new Presences();
    assert.equal(presences.of('ann'), undefined);
    assert.deepEqual(presences.takeChange(), ['ann']);
    presences.of('ann');
    assert.equal(presences.takeChange(), undefined);
    assert.equal(presences.heard('ann', online), true);
    assert.deepEqual(presences.of('ann'), online);
    assert.equal(presences.heard('bob', online), false);
  });

  test('is unknown again without a session, and asked for again with the next', () => {
    const presences = new Presences();
    presences.of('ann');
    presences.takeChange();
    presences.heard('ann', online);
    presences.lost();
    assert.equal(presences.of('ann'), undefined);
    assert.deepEqual(presences.takeChange(), ['ann']);
  });

  test('watches whom the application asked for last', () => {
    const presences = new Presences();
    for (let n = 0; n < 500; n++) presences.of(`u${n}`);
    presences.of('u0');
    presences.of('another');
    const watched = presences.takeChange();
    assert.equal(watched?.length, 500);
    assert.ok(watched?.includes('u0') && watched.includes('another') && !watched.includes('u1'));
  });
});
