import { after, before, describe, test } from 'node:test';
import { FaultCluster } from './fault-cluster.ts';
import { FaultRun } from './fault-run.ts';
import { told, verdict } from './reports.ts';

/**
 * Every node is restarted under load, as for an upgrade: SIGTERM, wait for its end, start it anew. Each round reports
 * the longest that anybody waited for an acknowledgement, retries and reconnects included; two seconds are wanted.
 */

const inTurn = ['m1', 'm2', 'g1', 'g2', 'e1', 'c2', 'b2'];

describe('a rolling restart', () => {
  const stack = new AsyncDisposableStack();
  let cluster: FaultCluster;
  let run: FaultRun;

  before(async () => {
    cluster = stack.use(await FaultCluster.start());
    run = stack.use(await FaultRun.create(cluster));
  });
  after(() => stack.disposeAsync());

  async function restart(name: string): Promise<void> {
    await cluster.get(name).drain();
    await cluster.get(name).start();
  }

  for (const name of inTurn) test(`of ${name}`, async (t) => told(t, await run.round(() => restart(name))));

  test('of all, each the moment the one before says that it is ready', async (t) =>
    told(
      t,
      await run.round(async () => {
        for (const name of inTurn) await restart(name);
      }),
    ));

  test('kept all promises', async (t) => void (await verdict(t, run)));
});
