import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId } from '../core/ids.ts';
import { HotRates } from './hot-rates.ts';

const [lobby, attic] = ['lobby', 'attic'] as ConvId[] as [ConvId, ConvId];

function rates() {
  let nowMs = 1_000;
  const hot = new HotRates({ wallMs: () => 0, monotonicMs: () => nowMs });
  return {
    hot,
    wait: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe('rates of hot conversations', () => {
  it('are entries a second, the hottest first', () => {
    const { hot, wait } = rates();
    hot.add(attic, 10);
    hot.add(lobby, 30);
    wait(5_000);
    assert.deepEqual(hot.top(10), [
      { convId: lobby, perSecond: 6, errorPerSecond: 0 },
      { convId: attic, perSecond: 2, errorPerSecond: 0 },
    ]);
    assert.equal(hot.top(1).length, 1);
  });

  it('span the window before, and no more', () => {
    const { hot, wait } = rates();
    hot.add(lobby, 100);
    wait(10_000);
    hot.add(lobby, 20);
    wait(5_000);
    assert.deepEqual(hot.top(10), [{ convId: lobby, perSecond: 8, errorPerSecond: 0 }]);
    wait(5_000);
    hot.add(attic, 40);
    wait(5_000);
    assert.deepEqual(
      hot.top(10).map(({ convId, perSecond }) => [convId, perSecond.toFixed(2)]),
      [
        [attic, '2.67'],
        [lobby, '1.33'],
      ],
    );
  });

  it('are never too low, whichever window has no place for a conversation', () => {
    const { hot, wait } = rates();
    hot.add(lobby, 300);
    wait(10_000);
    hot.add(lobby, 200);
    for (let no = 0; no < 256; no += 1) hot.add(`room ${no}` as ConvId, 1_000);
    const told = hot.top(1_000).find(({ convId }) => convId === lobby);
    assert.ok(told !== undefined);
    assert.ok(told.perSecond >= 50, `500 in 10 seconds, told ${told.perSecond} a second`);
    assert.ok(told.perSecond - told.errorPerSecond <= 50, `${told.perSecond} ± ${told.errorPerSecond}`);
  });

  it('forget what was hot before a long quiet', () => {
    const { hot, wait } = rates();
    hot.add(lobby, 100);
    wait(60_000);
    assert.deepEqual(hot.top(10), []);
    hot.add(attic, 3);
    assert.deepEqual(hot.top(10), [{ convId: attic, perSecond: 3, errorPerSecond: 0 }]);
  });
});
