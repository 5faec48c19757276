import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renewEpochCommand } from '../../../services/cli/renew-epoch-command.ts';
import { checkCommand } from '../../../services/cli/check-command.ts';
import { runCli } from '../../../services/cli/run-cli.ts';
import { temporaryDirectory } from '../../../bench/targets/parley.ts';
import { FaultCluster } from '../../faults/fault-cluster.ts';
import { FaultRun, inFlightThatCounts } from '../../faults/fault-run.ts';
import { DatabaseBackup } from '../support/database-backup.ts';

/**
 * The same on a cluster: the database is dumped under traffic and its binlog archived; then the message nodes die and the
 * database is lost, and comes back as dump and binlog have it. What was acknowledged before the last binlog was closed is
 * there.
 */

const binlogged = ['--log-bin=binlog', '--server-id=1', '--sync-binlog=1', '--binlog-format=ROW'];

async function parley(env: Readonly<Record<string, string>>, name: string): Promise<string> {
  let said = '';
  const say = (text: string) => void (said += text);
  const code = await runCli([name], [renewEpochCommand(env), checkCommand(env)], { out: say, note: say });
  assert.equal(code, 0, said);
  return said;
}

test('a cluster on MariaDB: dump, binlog, restore', async (t) => {
  await using directory = await temporaryDirectory();
  await using cluster = await FaultCluster.start({ database: { settings: binlogged } });
  await using run = await FaultRun.create(cluster);
  const backup = new DatabaseBackup({
    database: cluster.database,
    schema: 'parley',
    directory: directory.path,
  });
  await run.goesOn(2_000);
  const before = run.traffic.sent;
  const began = performance.now();
  await backup.dump();
  t.diagnostic(
    `${run.traffic.sent - before} sends in the ${Math.round(performance.now() - began)} ms of the dump`,
  );
  await run.goesOn(2_000);
  // The moment that will be gone back to.
  const sure = run.mark();
  await backup.archiveBinlogs();
  await run.goesOn(2_000);
  const { inFlight } = run.traffic;
  t.diagnostic(`${inFlight} sends under way when the database was lost`);
  assert.ok(inFlight >= inFlightThatCounts);
  await Promise.all(['m1', 'm2'].map((name) => cluster.get(name).kill()));
  run.traffic.restored();
  await backup.restore();
  t.diagnostic((await parley(cluster.cluster.env, 'renew-epoch')).trim());
  run.traffic.nextRun();
  await Promise.all(['m1', 'm2'].map((name) => cluster.get(name).start()));
  await run.goesOn(2_000);
  const verdict = await run.verdict({ sure });
  t.diagnostic(`${JSON.stringify(verdict.restored)} acknowledged entries, ${verdict.entries} in the end`);
  assert.deepEqual(verdict.findings, []);
  assert.ok(verdict.restored !== undefined && verdict.restored.kept > 1_000 && verdict.restored.lost > 500);
  assert.match(await parley(cluster.cluster.env, 'check'), /all is well/);
});
