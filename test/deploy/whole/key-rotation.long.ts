import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { checkCommand } from '../../../services/cli/check-command.ts';
import { runCli } from '../../../services/cli/run-cli.ts';
import { askSql } from '../../engines/mariadb.ts';
import { FaultCluster } from '../../faults/fault-cluster.ts';
import { FaultRun, inFlightThatCounts } from '../../faults/fault-run.ts';

/** The master key of a cluster is changed under load, as the runbook has it: all are given it, then it seals, one by one. */

const nodes = ['g1', 'g2', 'e1', 'c2', 'b2', 'm1', 'm2'];
/** What a node is started with in each round. */
const roundsOf = (one: string, both: string) => [
  { PARLEY_MASTER_KEYS: one },
  { PARLEY_MASTER_KEYS: both, PARLEY_SEALING_KEY: '1' },
  { PARLEY_MASTER_KEYS: both },
];

async function parleyCheck(env: Readonly<Record<string, string>>): Promise<{ code: number; said: string }> {
  let said = '';
  const say = (text: string) => void (said += text);
  return { code: await runCli(['check'], [checkCommand(env)], { out: say, note: say }), said };
}

test('a master key is changed under load', async (t) => {
  const one = `1:${randomBytes(32).toString('hex')}`;
  const both = `${one},2:${randomBytes(32).toString('hex')}`;
  const rounds = roundsOf(one, both);
  const roundOf = new Map(nodes.map((name) => [name, 0]));
  const envOf = (name: string) => rounds[roundOf.get(name) ?? 0] ?? {};
  await using cluster = await FaultCluster.start({ envOf });
  await using run = await FaultRun.create(cluster);
  for (const [at, name] of [...nodes, ...nodes].entries()) {
    roundOf.set(name, at < nodes.length ? 1 : 2);
    const round = await run.round(async () => {
      await cluster.get(name).drain();
      await cluster.get(name).start();
    });
    t.diagnostic(`${name}: ${round.inFlight} sends under way, the longest wait ${round.worstAckMs} ms`);
    assert.ok(round.inFlight >= inFlightThatCounts);
  }
  // Each message node has owned by now what the other one sealed.
  const verdict = await run.verdict();
  assert.deepEqual(verdict.findings, []);
  for (const { name } of cluster.processes) assert.deepEqual(cluster.get(name).complaints, []);
  const sealed = await askSql(
    cluster.database.port,
    'SELECT key_id, COUNT(*) AS entries FROM parley.message GROUP BY key_id ORDER BY key_id',
  );
  t.diagnostic(JSON.stringify(sealed));
  assert.deepEqual(
    (sealed as { readonly key_id: number }[]).map(({ key_id: id }) => id),
    [1, 2],
  );
  const { env } = cluster.cluster;
  assert.match((await parleyCheck({ ...env, PARLEY_MASTER_KEYS: both })).said, /all is well/);
  const without = await parleyCheck({ ...env, PARLEY_MASTER_KEYS: one });
  assert.equal(without.code, 1);
  assert.match(without.said, /master key 2/);
});
