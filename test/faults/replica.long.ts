import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { checkCommand } from '../../services/cli/check-command.ts';
import { runCli } from '../../services/cli/run-cli.ts';
import { Wire } from '../e2e/support/wire.ts';
import { freePort } from '../engines/free-port.ts';
import { ReplicatedMariaDb } from '../engines/replicated-mariadb.ts';
import { FaultCluster } from './fault-cluster.ts';
import { FaultRun } from './fault-run.ts';
import { pause, short, told } from './reports.ts';

/**
 * The database is lost under traffic, and a replica that lagged takes its place: what it lacks is gone, acknowledged or
 * not, and nobody tells the nodes. They must notice, and everybody must start over from what there is.
 */

const schema = 'parley';
const awayMs = short ? 1_000 : 5_000;
const sends = 2_000;

describe('a cluster whose database fails over to a replica that lags', () => {
  const stack = new AsyncDisposableStack();
  let databases: ReplicatedMariaDb;
  let wire: Wire;
  let cluster: FaultCluster;
  let run: FaultRun;
  /** What everybody had when the replica had all of it. */
  let sure: readonly number[];

  before(async () => {
    databases = stack.use(await ReplicatedMariaDb.start());
    let serving = databases.primary;
    wire = stack.use(await Wire.lay(await freePort(), () => serving.port));
    const connection = await serving.connect();
    await connection.query(`CREATE DATABASE ${schema}`);
    await connection.end();
    cluster = stack.use(
      await FaultCluster.start({ databaseUrl: `mysql://root@127.0.0.1:${wire.port}/${schema}` }),
    );
    run = stack.use(await FaultRun.create(cluster));
    await run.goesOn(sends);
    sure = run.mark();
    await databases.fallBehind();
    await run.goesOn(sends);
    serving = databases.replica;
  });
  after(() => stack.disposeAsync());

  async function countedLost(): Promise<number> {
    let counted = 0;
    for (const name of ['m1', 'm2']) {
      const page = await fetch(`http://127.0.0.1:${cluster.get(name).ports.metrics}/metrics`);
      counted += Number(/^chat_entries_lost_total\S* (\d+)/m.exec(await page.text())?.[1]);
    }
    return counted;
  }

  test('everybody starts over, and is served', async (t) => {
    let reachableAtMs = 0;
    const round = await run.round(async () => {
      await databases.primary.kill();
      await wire.cut();
      await databases.promote();
      await pause(awayMs);
      run.traffic.restored();
      await wire.mend();
      reachableAtMs = performance.now();
    });
    t.diagnostic(
      `everybody was served again ${Math.round(performance.now() - reachableAtMs)} ms after the replica could be reached`,
    );
    told(t, round);
  });

  test('what the replica had is there, what it lacked is gone for everybody', async (t) => {
    const { findings, restored, entries } = await run.verdict({ sure });
    t.diagnostic(
      `of the acknowledged entries of before ${restored?.kept} were kept and ${restored?.lost} lost; ${entries} in the end`,
    );
    const counted = await countedLost();
    t.diagnostic(`message nodes have counted ${counted}`);
    assert.deepEqual(findings, []);
    assert.ok(restored !== undefined && restored.kept >= sends && restored.lost > 0);
    assert.ok(counted > 0);
  });

  test('what is stored is sound', async () => {
    let said = '';
    const say = (text: string): void => void (said += text);
    const code = await runCli(['check'], [checkCommand(cluster.cluster.env)], { out: say, note: say });
    assert.equal(code, 0, said);
    assert.match(said, /all is well/);
  });
});
