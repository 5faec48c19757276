import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { debianTool } from '../../scripts/deploy-tools.ts';
import { root } from '../../scripts/paths.ts';
import { withoutResolvers } from '../../scripts/production/engines.ts';
import { until } from '../e2e/support/until.ts';
import { Child } from '../engines/child.ts';
import { freePort } from '../engines/free-port.ts';
import { GaleraCluster, type GaleraNode } from '../engines/galera-cluster.ts';
import { askSql } from '../engines/mariadb.ts';

/** HAProxy with the configuration of deploy/production in front of three real nodes of Galera. */

const production = join(root, 'deploy', 'production');
/** HAProxy asks every second, and believes it the second time; Galera waits for a silent node before. */
const noticedMs = 30_000;

describe('the way to the database', () => {
  const stack = new AsyncDisposableStack();
  let nodes: readonly [GaleraNode, GaleraNode, GaleraNode];
  let haproxy: Child;
  let port = 0;
  let healthPort = 0;

  before(async () => {
    const cluster = stack.use(await GaleraCluster.start());
    nodes = cluster.nodes as typeof nodes;
    const users = await readFile(join(production, 'mariadb', 'users.sh'), 'utf8');
    const [user] = /^CREATE USER 'haproxy'.*$/m.exec(users) as string[] as [string];
    await askSql(nodes[0].port, user);
    const directory = await mkdtemp(join(tmpdir(), 'parley-balancer-'));
    stack.defer(() => rm(directory, { recursive: true }));
    port = await freePort();
    healthPort = await freePort();
    const deployed = await readFile(join(production, 'haproxy', 'haproxy.cfg'), 'utf8');
    const text = nodes.reduce(
      (sofar, node, at) => sofar.replace(`database-${at + 1}:3306`, `127.0.0.1:${node.port}`),
      withoutResolvers(deployed)
        .replace('bind :3306', `bind 127.0.0.1:${port}`)
        .replace('bind :8404', `bind 127.0.0.1:${healthPort}`),
    );
    const file = join(directory, 'haproxy.cfg');
    await writeFile(file, text);
    haproxy = stack.use(
      await Child.start({
        command: debianTool('haproxy'),
        args: ['-db', '-f', file],
        readyWhen: async () => assert.equal(await health(), 200),
      }),
    );
  });
  after(() => stack.disposeAsync());

  async function health(): Promise<number> {
    const { status } = await fetch(`http://127.0.0.1:${healthPort}/health`);
    return status;
  }

  /** The node that answers a query which one that is not ready refuses; undefined where none does. */
  async function answering(): Promise<GaleraNode | undefined> {
    const query = 'SELECT @@port AS port FROM information_schema.SCHEMATA LIMIT 1';
    const rows = await askSql(port, query).catch(() => []);
    return nodes.find((node) => node.port === (rows[0] as { port: number } | undefined)?.port);
  }

  const answers = (no: 0 | 1 | 2) =>
    until(
      async () => (await answering()) === nodes[no],
      () => haproxy.output,
      noticedMs,
    );

  const isolated = (node: GaleraNode, is: boolean) =>
    askSql(node.port, `SET GLOBAL wsrep_provider_options = 'gmcast.isolate=${is ? 1 : 0}'`);

  test('a node that is cut off from the others is left, though it lets people in, and come back to', {
    timeout: 120_000,
  }, async () => {
    const [first] = nodes;
    await answers(0);
    await isolated(first, true);
    await answers(1);
    const [ready] = (await askSql(first.port, "SHOW STATUS LIKE 'wsrep_ready'")) as { Value: string }[];
    assert.equal(ready?.Value, 'OFF', 'it lets people in');
    assert.equal(await health(), 200);
    await isolated(first, false);
    await answers(0);
  });

  test('where there is no majority left nobody is sent anywhere', { timeout: 120_000 }, async () => {
    const [, second, third] = nodes;
    second.freeze();
    third.freeze();
    await until(
      async () => (await health()) === 503,
      () => haproxy.output,
      noticedMs,
    );
    second.thaw();
    third.thaw();
    await answers(0);
    assert.equal(await health(), 200);
  });
});
