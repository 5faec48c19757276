import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../test/engines/free-port.ts';
import { ClusterNode } from './cluster-node.ts';
import { type EngineKind, gatewayKind, storageKinds } from './engine-kinds.ts';
import { StandingEngine } from './standing-engine.ts';
import { logWebhooks } from './webhook-log.ts';

/**
 * A whole cluster on this machine, to be looked at and to be killed: engines, two edges (one of them split into a bridge
 * and a connection node), two message nodes, two group nodes and a push node, each in a process of its own, behind nginx.
 * A node that dies is started again. Ctrl-C drains all and stops what was started here.
 */

const usage = `npm run cluster -- [--directory DIR]

  --directory  where data, logs and process ids are kept; ./cluster-data unless it is given
`;

const { directory } = read();
mkdirSync(directory, { recursive: true });
const say = (line: string): void => void process.stdout.write(`${line}\n`);

function read(): { readonly directory: string } {
  try {
    const { values } = parseArgs({ options: { directory: { type: 'string', default: 'cluster-data' } } });
    return { directory: resolve(values.directory) };
  } catch (error) {
    process.stderr.write(`cluster: ${(error as Error).message}\n\n${usage}`);
    return process.exit(2);
  }
}

const started: StandingEngine[] = [];
const nodes: ClusterNode[] = [];
/** What is interrupted while it is laid out would stand in the way of the next start. */
const pending: Promise<unknown>[] = [];
let stopping: Promise<void> | undefined;

function engine(name: string, kind: EngineKind): Promise<string> {
  const starting = startEngine(name, kind);
  pending.push(starting);
  return starting;
}

async function startEngine(name: string, kind: EngineKind): Promise<string> {
  const one = new StandingEngine({ name, directory, ...kind });
  const { url, pid, before } = await one.start();
  if (!before) started.push(one);
  say(`${name.padEnd(8)} ${url}  (process ${pid})`);
  return url;
}

async function node(
  name: string,
  roles: string,
  env: Readonly<Record<string, string>>,
): Promise<ClusterNode> {
  const one = new ClusterNode({ name, roles, env, directory, say });
  nodes.push(one);
  await one.start();
  return one;
}

async function stop(): Promise<void> {
  say('stopping');
  await Promise.allSettled(pending);
  // Those in front first, so that nobody is sent to a node that is gone.
  for (const one of [...nodes].reverse()) await one.stop();
  for (const one of [...started].reverse()) await one.stop();
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    stopping ??= stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`cluster: ${(error as Error).message}\n`);
        process.exit(1);
      },
    );
  });

try {
  const [mysql, redis, kafka] = await Promise.all([
    engine('mariadb', storageKinds.mariadb),
    engine('redis', storageKinds.redis),
    engine('kafka', storageKinds.kafka),
  ]);
  const ports = {
    e1: { http: await freePort(), ws: await freePort(), grpc: await freePort(), node: await freePort() },
    c2: { grpc: await freePort(), node: await freePort() },
    b2: { http: await freePort(), ws: await freePort() },
  };
  const common = {
    PARLEY_MODE: 'development',
    PARLEY_DATA_DIR: join(directory, 'data'),
    PARLEY_MYSQL_URL: mysql,
    PARLEY_REDIS_URL: redis,
    PARLEY_KAFKA_BROKERS: kafka,
    PARLEY_CLUSTER_TOKEN: 'for a cluster on one machine only',
    PARLEY_LOG_FORMAT: 'json',
    PARLEY_LINK_PORT: '0',
    PARLEY_METRICS_PORT: '0',
    PARLEY_HTTP_PORT: '0',
    PARLEY_WS_PORT: '0',
    PARLEY_GRPC_PORT: '0',
    PARLEY_NODE_PORT: '0',
  };
  // The first one makes the keys and the tables; the others find them.
  await node('m1', 'message', common);
  await Promise.all([
    node('m2', 'message', common),
    node('g1', 'group', common),
    node('g2', 'group', common),
    node('p1', 'push', { ...common, PARLEY_WEBHOOKS: await logWebhooks(directory) }),
    node('e1', 'bridge,connection', {
      ...common,
      PARLEY_HTTP_PORT: `${ports.e1.http}`,
      PARLEY_WS_PORT: `${ports.e1.ws}`,
      PARLEY_GRPC_PORT: `${ports.e1.grpc}`,
      PARLEY_NODE_PORT: `${ports.e1.node}`,
    }),
    node('c2', 'connection', {
      ...common,
      PARLEY_GRPC_PORT: `${ports.c2.grpc}`,
      PARLEY_NODE_PORT: `${ports.c2.node}`,
    }),
    node('b2', 'bridge', {
      ...common,
      PARLEY_UPSTREAM: [ports.c2.node, ports.e1.node].map((port) => `http://127.0.0.1:${port}`).join(','),
      PARLEY_HTTP_PORT: `${ports.b2.http}`,
      PARLEY_WS_PORT: `${ports.b2.ws}`,
    }),
  ]);
  const gateway = new StandingEngine({
    name: 'nginx',
    directory,
    ...gatewayKind({
      upstreams: [ports.e1.http, ports.b2.http].map((port) => `127.0.0.1:${port}`),
      grpc: [ports.e1.grpc, ports.c2.grpc].map((port) => `127.0.0.1:${port}`),
      development: true,
    }),
  });
  // It may run with the ports of an earlier cluster.
  await gateway.stop();
  const { url, ports: gatewayPorts } = await gateway.start();
  started.push(gateway);
  say(`
  Parley is at ${url}: open it in two browsers, sign in with any two names, and chat in the lobby.
  In a terminal:  npm run parley -- chat ann --server 127.0.0.1:${gatewayPorts[1]}
  Webhooks of what is said are in ${join(directory, 'webhooks.log')}.
  Kill any node (its process id is above) and go on chatting; it is started again. Ctrl-C ends it all.
`);
} catch (error) {
  if (stopping === undefined) {
    process.stderr.write(`cluster: ${(error as Error).message}\n`);
    await stop();
    process.exit(1);
  }
}
