import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FaultCluster } from './fault-cluster.ts';
import { FaultRun } from './fault-run.ts';
import { pause, short, told, verdict } from './reports.ts';
import { SteppedClock } from './stepped-clock.ts';

/** The clock of one message node is set while it owns half of the conversations. */

const wrongMs = short ? 6_000 : 30_000;

describe('a clock that is set', () => {
  const stack = new AsyncDisposableStack();
  let clock: SteppedClock;
  let cluster: FaultCluster;
  let run: FaultRun;

  before(async () => {
    clock = stack.use(await SteppedClock.create());
    cluster = stack.use(await FaultCluster.start({ envOf: (name) => (name === 'm1' ? clock.env : {}) }));
    run = stack.use(await FaultRun.create(cluster));
  });
  after(() => stack.disposeAsync());

  for (const seconds of [-2, -10, 0])
    test(`m1’s clock steps ${seconds === 0 ? 'to the right time' : `to ${-seconds} s late`}`, async (t) => {
      let refused = 0;
      for (const client of run.traffic.clients)
        client.onPostponed = (_, reason) => {
          if (reason === 'storeUnavailable') refused += 1;
        };
      const round = await run.round(async () => {
        await clock.set(seconds);
        await pause(wrongMs);
      });
      told(t, round);
      t.diagnostic(`${refused} sends were put off`);
      // By more than a second ids don't run ahead of the clock: until it is there again none are drawn.
      if (seconds < 0) assert.ok(refused > 0, 'the clock was not seen to be set back');
    });

  test('ids were never drawn twice, and rise with the order in each log', async (t) => {
    const { store } = await verdict(t, run);
    const ids = new Set<bigint>();
    for (const { convId, entries } of store)
      for (const [at, { msgId, seq }] of entries.entries()) {
        assert.ok(!ids.has(msgId), `${convId} ${seq} has an id that another entry has`);
        ids.add(msgId);
        const before = entries[at - 1];
        // Two owners draw from clocks of their own, so that only one owner’s ids rise for certain.
        if (before !== undefined && workerOf(before.msgId) === workerOf(msgId))
          assert.ok(msgId > before.msgId, `the id of ${convId} ${seq} is not above the one before it`);
      }
    t.diagnostic(`${ids.size} ids`);
  });
});

/** Bits 12 to 21 of an id. */
function workerOf(id: bigint): bigint {
  return (id >> 12n) & 1_023n;
}
