import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FaultCluster } from './fault-cluster.ts';
import { FaultRun } from './fault-run.ts';
import { pause, short, told, verdict } from './reports.ts';

/**
 * A real cluster under traffic by all doors, with everything in it killed, frozen and restarted: nothing acknowledged
 * is lost, nothing is there twice, everybody has the same log in the end. Short where CI is set, else in full.
 */

const frozenMs = short ? 5_000 : 30_000;

const stack = new AsyncDisposableStack();
let cluster: FaultCluster;
let run: FaultRun;

before(async () => {
  cluster = stack.use(await FaultCluster.start());
  run = stack.use(await FaultRun.create(cluster));
});
after(() => stack.disposeAsync());

async function again(name: string): Promise<void> {
  await cluster.get(name).kill();
  await pause(500);
  await cluster.get(name).start();
}

describe('a cluster under load', () => {
  for (const name of ['m1', 'm2', 'g1', 'e1', 'c2', 'b2'])
    test(`${name} is killed and started again`, async (t) => told(t, await run.round(() => again(name))));

  for (const name of ['m1', 'g1', 'c2'])
    test(`${name} hangs for ${frozenMs / 1000} s and goes on`, async (t) =>
      told(
        t,
        await run.round(async () => {
          cluster.get(name).freeze();
          await pause(frozenMs);
          cluster.get(name).thaw();
        }),
      ));

  test(`m1 hangs for ${frozenMs / 1000} s with commits in the database’s hands`, async (t) =>
    told(
      t,
      await run.round(async () => {
        cluster.database.freeze();
        await pause(200);
        cluster.get('m1').freeze();
        cluster.database.thaw();
        await pause(frozenMs);
        cluster.get('m1').thaw();
      }),
    ));

  test('the database is killed and started again', async (t) =>
    told(
      t,
      await run.round(async () => {
        await cluster.database.kill();
        await pause(1_000);
        await cluster.database.restart();
      }),
    ));

  test('the directory is killed, and starts again empty', async (t) =>
    told(
      t,
      await run.round(async () => {
        await cluster.redis.ask('FLUSHALL');
        await cluster.redis.kill();
        await pause(500);
        await cluster.redis.restart();
      }),
    ));

  test('the directory is away for three lease times, and a message node dies meanwhile', async (t) =>
    told(
      t,
      await run.round(async () => {
        await cluster.redis.kill();
        await pause(2_000);
        await cluster.get('m2').kill();
        await pause(2_500);
        await cluster.redis.restart();
        await cluster.get('m2').start();
      }),
    ));

  test('all group nodes are down: chat goes on', async (t) =>
    told(
      t,
      await run.round(async () => {
        await Promise.all([cluster.get('g1').kill(), cluster.get('g2').kill()]);
        const before = run.traffic.sent;
        await pause(3_000);
        assert.ok(run.traffic.sent > before + 500, `${run.traffic.sent - before} sends in three seconds`);
        await Promise.all([cluster.get('g1').start(), cluster.get('g2').start()]);
      }),
    ));

  test('kept all its promises', async (t) => void (await verdict(t, run)));
});
