import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { root } from '../../scripts/paths.ts';
import { checkCluster } from '../../services/cluster-links.ts';
import { loadConfig } from '../../services/core/config.ts';
import { optionTables } from '../../services/options.ts';

/** What the files of deploy/ set for nodes, looked at without the programs that start them. */

type Settings = Readonly<Record<string, string>>;

const deploy = join(root, 'deploy');
const settings = join(deploy, 'systemd', 'env');

interface Composed {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image: string;
        readonly command?: readonly string[];
        readonly environment?: Settings;
      }
    >
  >;
}

/** The nodes of a Compose file that are of a cluster: a bridge alone is in no directory. */
function clusterNodes(file: string): { readonly name: string; readonly env: Settings }[] {
  const text = readFileSync(join(deploy, file), 'utf8');
  const { services } = parse(text, { merge: true, maxAliasCount: -1 }) as Composed;
  return Object.entries(services).flatMap(([name, { image, command, environment = {} }]) =>
    image === 'parley' && command?.at(-1) !== 'bridge' ? [{ name, env: environment }] : [],
  );
}

/** Without what is elsewhere: secrets, and who is told. */
function configOf(env: Settings) {
  const own = Object.entries(env).filter(([name]) => !/_FILE$|_WEBHOOKS$/.test(name));
  return loadConfig(optionTables, {
    ...Object.fromEntries(own),
    PARLEY_TOKEN_SECRET: 'a secret of tests that is long enough',
    PARLEY_CLUSTER_TOKEN: 'a token of tests that is long enough',
    PARLEY_MYSQL_URL: 'mysql://parley@database:3306/parley',
    PARLEY_REDIS_URL: 'redis://redis:6379',
    PARLEY_MASTER_KEYS: `1:${'0'.repeat(64)}`,
  });
}

test('an edge takes as many connections, of either kind, as sessions: behind nginx each has one', () => {
  const { connection, grpc, bridge } = loadConfig(optionTables, {});
  assert.ok(grpc.maxConnections >= connection.maxSessions, `${grpc.maxConnections} by gRPC`);
  assert.ok(bridge.maxSockets >= connection.maxSessions, `${bridge.maxSockets} by WebSocket`);
});

describe('nodes in containers', () => {
  for (const file of ['compose.yaml', 'production/compose.yaml']) {
    test(`${file}: each says where the others reach it`, () => {
      const nodes = clusterNodes(file);
      assert.ok(nodes.length >= 7, `${nodes.length} nodes`);
      for (const { name, env } of nodes) {
        const config = configOf(env);
        checkCluster(config, { storesMessages: true });
        assert.equal(config.cluster.linkAddress, `${name}:${config.cluster.linkPort}`);
      }
    });

    test(`${file}: nginx in front is the one proxy of both doors`, () => {
      for (const { name, env } of clusterNodes(file)) {
        const { bridge, grpc } = configOf(env);
        assert.deepEqual([bridge.trustedProxies, grpc.trustedProxies], [1, 1], name);
      }
    });
  }
});

describe('nodes of systemd', () => {
  const nodes = readdirSync(settings)
    .filter((file) => file !== 'parley.env')
    .map((file) => ({ file, text: readFileSync(join(settings, file), 'utf8') }));
  /** Of a line that is one, or that is there to be made one. */
  const said = (text: string, name: string) => new RegExp(`^#?${name}=(.+)$`, 'm').exec(text)?.[1];

  test('whoever connects is not believed where he comes from, until somebody says that proxies are in front', () => {
    const shared = readFileSync(join(settings, 'parley.env'), 'utf8');
    for (const name of ['PARLEY_TRUSTED_PROXIES', 'PARLEY_GRPC_TRUSTED_PROXIES']) {
      assert.doesNotMatch(shared, new RegExp(`^${name}=`, 'm'));
      assert.equal(said(shared, name), '1');
    }
  });

  test('beside each other they have ports of their own, and say them to the others', () => {
    const ports: string[] = [];
    for (const { file, text } of nodes) {
      if (file === 'all.env') continue;
      const port = /^PARLEY_LINK_PORT=(\d+)$/m.exec(text)?.[1];
      assert.ok(port !== undefined, `${file} has a port for links`);
      assert.equal(
        said(text, 'PARLEY_LINK_ADDRESS'),
        `${said(text, 'PARLEY_LINK_HOST')}:${port}`,
        `${file}: the address`,
      );
      ports.push(port, /^PARLEY_METRICS_PORT=(\d+)$/m.exec(text)?.[1] ?? file);
    }
    assert.deepEqual(
      ports.filter((port, at) => ports.indexOf(port) !== at),
      [],
    );
    assert.ok(ports.length >= 8);
  });
});
