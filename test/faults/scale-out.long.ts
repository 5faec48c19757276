import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Metrics } from '../input/support/metrics.ts';
import { FaultCluster } from './fault-cluster.ts';
import { FaultRun } from './fault-run.ts';
import { pause, told, verdict } from './reports.ts';

/** A message node that comes to a cluster under load takes its share; one that goes gives it back. */

const askEveryMs = 20;
const patienceMs = 60_000;

describe('a third message node', () => {
  const stack = new AsyncDisposableStack();
  let cluster: FaultCluster;
  let run: FaultRun;

  before(async () => {
    cluster = stack.use(await FaultCluster.start({ more: { m3: 'message' }, later: ['m3'] }));
    run = stack.use(await FaultRun.create(cluster));
  });
  after(() => stack.disposeAsync());

  /** Resolves when the node has carried out sends. */
  async function serves(name: string): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const metrics = await Metrics.read(cluster.get(name).ports.metrics);
      if ((metrics.by('chat_messages_processed_total').get('send') ?? 0) > 0) return;
      assert.ok(performance.now() < deadline, `${name} has not been sent anything`);
      await pause(askEveryMs);
    }
  }

  test('takes its share under load', async (t) => {
    const round = await run.round(async () => {
      const askedAt = performance.now();
      await cluster.get('m3').start();
      const readyAt = performance.now();
      await serves('m3');
      const servedAt = performance.now();
      t.diagnostic(
        `first sends carried out ${Math.round(servedAt - askedAt)} ms after its start was asked for, ${Math.round(servedAt - readyAt)} ms after it was ready`,
      );
    });
    told(t, round);
  });

  test('is killed: its share goes back', async (t) =>
    told(t, await run.round(() => cluster.get('m3').kill())));

  test('kept all promises', async (t) => void (await verdict(t, run)));
});
