import { after, before, describe, test } from 'node:test';
import { GaleraCluster, type GaleraNode } from '../engines/galera-cluster.ts';
import { FaultCluster } from './fault-cluster.ts';
import { FaultRun } from './fault-run.ts';
import { pause, short, told, verdict } from './reports.ts';

/** The database is three nodes that replicate synchronously; each message node is at one of its own. */

const schema = 'parley';
const awayMs = short ? 3_000 : 20_000;

describe('a cluster on three database nodes', () => {
  const stack = new AsyncDisposableStack();
  let galera: GaleraCluster;
  let run: FaultRun;

  before(async () => {
    galera = stack.use(await GaleraCluster.start());
    const connection = await node(0).connect();
    await connection.query(`CREATE DATABASE ${schema}`);
    await connection.end();
    const url = (no: number): string => `mysql://root@127.0.0.1:${node(no).port}/${schema}`;
    const cluster = stack.use(
      await FaultCluster.start({
        databaseUrl: url(0),
        envOf: (name) => ({ PARLEY_MYSQL_URL: url(name === 'm2' ? 1 : 0) }),
      }),
    );
    run = stack.use(await FaultRun.create(cluster));
  });
  after(() => stack.disposeAsync());

  function node(no: number): GaleraNode {
    return galera.nodes[no] as GaleraNode;
  }

  async function again(no: number): Promise<void> {
    await node(no).kill();
    await pause(awayMs);
    await node(no).restart();
  }

  test('the node that nobody is at is killed, and joins again', async (t) =>
    told(t, await run.round(() => again(2))));

  test('the node that a message node is at is killed, and joins again', async (t) =>
    told(t, await run.round(() => again(0))));

  test('kept all promises', async (t) => void (await verdict(t, run)));
});
