import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { insist } from '../../cluster/support/cluster.ts';
import { askSql } from '../../engines/mariadb.ts';
import { FaultCluster } from '../../faults/fault-cluster.ts';
import { FaultRun, inFlightThatCounts, type Round } from '../../faults/fault-run.ts';
import { nextProgram } from '../support/next-program.ts';

/**
 * A cluster goes from one version of the tables to the next under load, node by node: the first node of the new program
 * migrates while all others run the old one, which go on, also when one of them dies and starts again; in the end the new
 * one is taken back. The new program is a copy of this one with one more migration.
 */

function tell(t: TestContext, what: string, { inFlight, worstAckMs }: Round): void {
  t.diagnostic(`${what}: ${inFlight} sends under way, the longest wait ${worstAckMs} ms`);
  assert.ok(inFlight >= inFlightThatCounts);
}

/** Enough that each message node owns some. */
const newcomers = 24;

/** A direct conversation and a group of people whom nobody has heard of. */
async function begin(cluster: FaultCluster, no: number): Promise<void> {
  const [one, other] = [`newcomer ${no}`, `acquaintance ${no}`];
  const body = { text: 'hello' };
  await insist(() =>
    cluster.call('MessageService/Send', { send: { to: other, clientId: 'hello', body } }, one),
  );
  const group = { groupId: `newcomers ${no}`, name: 'newcomers', members: [other], clientId: 'create' };
  await insist(() => cluster.call('GroupService/CreateGroup', group, one));
}

test('a rolling upgrade under load, and back', async (t) => {
  await using next = await nextProgram();
  const upgraded = new Set<string>();
  const present = new URL('../../../services/main.ts', import.meta.url).pathname;
  await using cluster = await FaultCluster.start({
    mainOf: (name) => (upgraded.has(name) ? next.main : present),
  });
  await using run = await FaultRun.create(cluster);
  const version = async () => {
    const [row] = await askSql(cluster.database.port, 'SELECT MAX(version) AS v FROM parley.schema_version');
    return (row as { readonly v: number }).v;
  };
  const renew = async (name: string) => {
    await cluster.get(name).drain();
    await cluster.get(name).start();
  };
  assert.equal(await version(), next.version - 1);
  for (const { name } of cluster.processes) {
    upgraded.add(name);
    tell(t, `${name} is upgraded`, await run.round(() => renew(name)));
    assert.equal(await version(), next.version);
    if (name !== 'm1') continue;
    const again = async () => {
      await cluster.get('m2').kill();
      await cluster.get('m2').start();
    };
    tell(t, 'm2, of the old program, dies and starts again', await run.round(again));
    // Both programs begin conversations and groups in tables that only one of them knows.
    for (let no = 0; no < newcomers; no += 1) await begin(cluster, no);
  }
  for (const name of ['m1', 'e1']) {
    upgraded.delete(name);
    tell(t, `${name} is taken back`, await run.round(() => renew(name)));
  }
  const verdict = await run.verdict();
  t.diagnostic(`${verdict.entries} entries, ${verdict.acknowledged} acknowledgements`);
  assert.deepEqual(verdict.findings, []);
  assert.equal(await version(), next.version);
});
