import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Metrics } from '../input/support/metrics.ts';
import { FaultCluster } from './fault-cluster.ts';
import { FaultRun } from './fault-run.ts';
import { pause, short, told, verdict } from './reports.ts';

/** Clients that stop reading their sockets: they cost their edge a bounded amount of memory, and others nothing. */

const slowConsumerMs = short ? 5_000 : 30_000;
const lookEveryMs = 100;
const patienceMs = 120_000;
const textBytes = 8_000;
const maxUnsentBytes = 4 * 1024 * 1024;
/** What a process may grow by over it: garbage that is not collected yet, and the queues of all others. */
const slackBytes = 256 * 1024 * 1024;

describe('clients that stop reading', () => {
  const stack = new AsyncDisposableStack();
  let cluster: FaultCluster;
  let run: FaultRun;

  before(async () => {
    cluster = stack.use(
      await FaultCluster.start({
        env: {
          PARLEY_SLOW_CONSUMER_MS: `${slowConsumerMs}`,
          PARLEY_WS_HIGH_WATER_BYTES: `${256 * 1024}`,
          PARLEY_WS_MAX_UNSENT_BYTES: `${maxUnsentBytes}`,
        },
      }),
    );
    run = stack.use(await FaultRun.create(cluster));
    run.traffic.textBytes = textBytes;
  });
  after(() => stack.disposeAsync());

  test('are closed as slow consumers, and others go on', async (t) => {
    const edge = cluster.get('e1');
    const figures = () => Metrics.read(edge.ports.metrics);
    const closed = async (): Promise<number> =>
      (await figures()).by('chat_sessions_closed_total').get('slowConsumer') ?? 0;
    // Of the first edge, one by each door.
    const slow = run.traffic.clients.filter((_, at) => at === 0 || at === 2 || at === 4);
    const round = await run.round(async () => {
      const rss = async (): Promise<number> => (await figures()).of('process_resident_memory_bytes');
      const before = await rss();
      let most = before;
      for (const client of slow) client.stopReading();
      const deadline = performance.now() + patienceMs;
      const sent = run.traffic.sent;
      while ((await closed()) < slow.length) {
        assert.ok(performance.now() < deadline, `${await closed()} of ${slow.length} were closed`);
        most = Math.max(most, await rss());
        await pause(lookEveryMs);
      }
      t.diagnostic(
        `${slow.length} read nothing; the memory of their edge went from ${mib(before)} to ${mib(most)} MiB at most, while ${run.traffic.sent - sent} messages were sent`,
      );
      assert.ok(run.traffic.sent > sent + 500, 'others went on');
      assert.ok(
        most - before < slow.length * maxUnsentBytes + slackBytes,
        `${mib(before)} became ${mib(most)} MiB`,
      );
      for (const client of slow) client.readOn();
    });
    told(t, round);
  });

  test('have the same log as everybody in the end', async (t) => void (await verdict(t, run)));
});

function mib(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
