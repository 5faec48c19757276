import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { HandOver } from './hand-over.ts';
import { until } from '../../test/e2e/support/until.ts';

/** One whose items are done when the test says so. */
function make(window: number, mark = 0) {
  const under = new Map<number, PromiseWithResolvers<void>>();
  const given: number[] = [];
  const moves: number[] = [];
  const failures: unknown[] = [];
  const handOver = new HandOver<number>({
    window,
    mark,
    retry: { firstMs: 1, maxMs: 1 },
    random: () => 0,
    handle: (item) => {
      given.push(item);
      const outcome = Promise.withResolvers<void>();
      under.set(item, outcome);
      return outcome.promise;
    },
    failed: (error) => failures.push(error),
    moved: () => moves.push(handOver.mark),
  });
  return { handOver, given, moves, failures, under };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a hand-over', () => {
  it('marks what is done up to the first that is not, whatever the order in which they end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 40 }),
        fc.infiniteStream(fc.nat()),
        async (unordered, picks) => {
          const positions = unordered.sort((a, b) => a - b);
          const { handOver, under, given } = make(100);
          for (const position of positions) handOver.give(position, position);
          await turn();
          assert.deepEqual(given, positions);
          const open = [...positions];
          while (open.length > 0) {
            const [position] = open.splice((picks.next().value as number) % open.length, 1);
            under.get(position as number)?.resolve();
            await turn();
            const oldest = open[0];
            // The mark may stand in a gap before the oldest that is not done, but never behind one that is.
            const below = positions.filter((each) => oldest === undefined || each < oldest).at(-1);
            assert.equal(handOver.mark, below === undefined ? 0 : below + 1);
          }
          await handOver.idle();
        },
      ),
      { numRuns: 200 },
    );
  });

  it('I6: has room for a window, and again when its oldest is done', async () => {
    const { handOver, under } = make(2);
    assert.equal(await handOver.room(), true);
    handOver.give(0, 0);
    handOver.give(1, 1);
    await turn();
    let room: boolean | undefined;
    const waiting = handOver.room().then((has) => {
      room = has;
    });
    under.get(1)?.resolve();
    await turn();
    assert.equal(room, undefined);
    under.get(0)?.resolve();
    await waiting;
    assert.equal(room, true);
  });

  it('hands over again what was rejected, and marks it when it is done', async () => {
    const { handOver, under, given, failures, moves } = make(4);
    handOver.give(7, 7);
    await turn();
    under.get(7)?.reject(new Error('not now'));
    await until(
      () => given.length >= 2,
      () => 'it was not handed over again',
    );
    assert.equal(failures.length, 1);
    assert.deepEqual(moves, []);
    under.get(7)?.resolve();
    await handOver.idle();
    assert.deepEqual(moves, [8]);
  });

  it('skips positions that are gone, before or behind what is under way', async () => {
    const { handOver, under } = make(4, 3);
    handOver.skipTo(10);
    assert.deepEqual([handOver.mark, handOver.next], [10, 10]);
    handOver.give(10, 10);
    handOver.skipTo(20);
    assert.deepEqual([handOver.mark, handOver.next], [10, 20]);
    await turn();
    under.get(10)?.resolve();
    await handOver.idle();
    assert.equal(handOver.mark, 20);
  });

  it('has no room while it is paused, nor ever again once it is stopped', async () => {
    const { handOver, under, given } = make(4);
    handOver.pause();
    let room: boolean | undefined;
    const waiting = handOver.room().then((has) => {
      room = has;
    });
    await turn();
    assert.equal(room, undefined);
    handOver.resume();
    await waiting;
    assert.equal(room, true);
    handOver.give(0, 0);
    await turn();
    handOver.stop();
    under.get(0)?.reject(new Error('stopped'));
    assert.equal(await handOver.room(), false);
    await handOver.idle();
    await turn();
    assert.deepEqual(given, [0]);
    assert.equal(handOver.mark, 0);
  });
});
