import { Agent, request } from 'node:https';
import { CallError } from '../../bench/targets/parley.ts';
import { Cluster, type ClusterProcess } from '../cluster/support/cluster.ts';
import { userToken } from '../cluster/support/tokens.ts';
import type { Doors, GatewayAddress } from '../crash/site.ts';
import { makeWorld } from '../crash/world.ts';
import { GatewayNginx, GatewayPlace, Keepalived } from '../engines/gateway.ts';
import { Lan, type LanHost } from '../engines/lan.ts';
import { MariaDb } from '../engines/mariadb.ts';
import { addNamespace, removeNamespace } from '../engines/net-namespace.ts';
import { RedisServer } from '../engines/redis-server.ts';
import type { FaultSite } from '../faults/fault-cluster.ts';
import { Authority } from '../helpers/certificates.ts';

const schema = 'parley';
const port = 443;
const checkPort = 9510;
const heartbeatMs = 1_000;
const callMs = 2_000;
/** Host numbers. */
const numbers = { servers: 2, one: 11, two: 12, floating: 100 } as const;

/** A machine with nginx and keepalived, in a network with clients and in one with nodes. */
export class Gateway {
  readonly name: string;
  readonly outside: LanHost;
  readonly nginx: GatewayNginx;
  readonly keepalived: Keepalived;
  readonly #floating: string;

  constructor(parts: {
    readonly name: string;
    readonly outside: LanHost;
    readonly nginx: GatewayNginx;
    readonly keepalived: Keepalived;
    readonly floating: string;
  }) {
    this.name = parts.name;
    this.outside = parts.outside;
    this.nginx = parts.nginx;
    this.keepalived = parts.keepalived;
    this.#floating = parts.floating;
  }

  /** Whether it has the floating address. One that was killed may still have it. */
  get owns(): Promise<boolean> {
    return this.outside.has(this.#floating);
  }
}

/**
 * Two gateways that share an address, between this machine, where clients and engines are, and a cluster in a namespace of
 * its own: two edges, two message and two group nodes, in production mode, linked by mutual TLS.
 */
export class GatewaySite implements FaultSite, AsyncDisposable {
  readonly gateways: readonly [Gateway, Gateway];
  readonly cluster: Cluster;
  readonly #address: GatewayAddress;
  readonly #tokens: ReadonlyMap<string, string>;
  readonly #agent: Agent;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: {
    readonly gateways: readonly [Gateway, Gateway];
    readonly cluster: Cluster;
    readonly address: GatewayAddress;
    readonly tokens: ReadonlyMap<string, string>;
    readonly stack: AsyncDisposableStack;
  }) {
    this.gateways = parts.gateways;
    this.cluster = parts.cluster;
    this.#address = parts.address;
    this.#tokens = parts.tokens;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 8, ca: parts.address.ca });
    this.#stack = parts.stack;
  }

  /** `users`: how many will come. */
  static async start(users: number): Promise<GatewaySite> {
    await using stack = new AsyncDisposableStack();
    const [outer, inner] = [stack.use(await Lan.create()), stack.use(await Lan.create())];
    const authority = stack.use(await Authority.make());
    const cluster = stack.use(await clusterIn(inner, authority, stack));
    const floating = outer.address(numbers.floating);
    await authority.sign('gateway', { names: `IP:${floating}` });
    const [one, two] = await Promise.all(
      (['one', 'two'] as const).map((name) =>
        startGateway({ name, outer, inner, authority, cluster, floating, stack }),
      ),
    );
    const { ca } = await authority.tls('client');
    const names = makeWorld(users).users.map(({ name }) => name);
    const tokens = new Map(
      await Promise.all(names.map(async (name) => [name, await userToken(name)] as const)),
    );
    return new GatewaySite({
      gateways: [one as Gateway, two as Gateway],
      cluster,
      address: { host: floating, port, ca, heartbeatMs },
      tokens,
      stack: stack.move(),
    });
  }

  get processes(): ClusterProcess[] {
    return [...this.cluster.processes.values()];
  }

  ports(): Doors {
    return { http: 0, ws: 0, grpc: 0, metrics: 0, gateway: this.#address };
  }

  tokenOf(user: string): string {
    const token = this.#tokens.get(user);
    if (token === undefined) throw new Error(`nobody knows ${user}`);
    return token;
  }

  call<T>(rpc: string, asked: unknown, user: string): Promise<T> {
    const { host } = this.#address;
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${this.tokenOf(user)}` };
    return new Promise<T>((resolve, reject) => {
      const sent = request(
        { host, port, path: `/parley.chat.v1.${rpc}`, method: 'POST', headers, agent: this.#agent },
        (response) => {
          const { statusCode: status = 0 } = response;
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => (text += chunk));
          response.on('error', reject);
          response.on('end', () => {
            if (status === 200) resolve(JSON.parse(text) as T);
            // nginx says so of too many requests, and means it as Parley does: later.
            else reject(new CallError(`${rpc}: ${status} ${text}`, status === 429 ? 503 : status));
          });
        },
      );
      sent.setTimeout(callMs, () => sent.destroy(new Error('no answer in time')));
      sent.on('error', reject);
      sent.end(JSON.stringify(asked));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.#stack.disposeAsync();
  }
}

async function clusterIn(inner: Lan, authority: Authority, stack: AsyncDisposableStack): Promise<Cluster> {
  const database = stack.use(await MariaDb.start({ settings: ['--bind-address=0.0.0.0'] }));
  const redis = stack.use(
    await RedisServer.start({ settings: ['--bind', '0.0.0.0', '--protected-mode', 'no'] }),
  );
  const connection = await database.connect();
  await connection.query(`CREATE DATABASE ${schema}`);
  // Those who come from another network than this machine's own.
  await connection.query("CREATE USER root@'%'");
  await connection.query("GRANT ALL ON *.* TO root@'%'");
  await connection.end();
  const namespace = await newNamespace(stack);
  const servers = await inner.join(namespace, numbers.servers);
  await authority.sign('node');
  const { cert, key, ca } = authority.files('node');
  return Cluster.start({
    databaseUrl: `mysql://root@${inner.own}:${database.port}/${schema}`,
    redisUrl: redis.url.replace('127.0.0.1', inner.own),
    prefixOf: () => servers.command,
    host: servers.address,
    env: {
      PARLEY_MODE: 'production',
      PARLEY_HOST: servers.address,
      PARLEY_MASTER_KEYS: `1:${'5e'.repeat(32)}`,
      PARLEY_TRUSTED_PROXIES: '1',
      PARLEY_GRPC_TRUSTED_PROXIES: '1',
      PARLEY_LINK_TLS_CERT: cert,
      PARLEY_LINK_TLS_KEY: key,
      PARLEY_LINK_TLS_CA: ca,
    },
  });
}

async function startGateway(parts: {
  readonly name: 'one' | 'two';
  readonly outer: Lan;
  readonly inner: Lan;
  readonly authority: Authority;
  readonly cluster: Cluster;
  readonly floating: string;
  readonly stack: AsyncDisposableStack;
}): Promise<Gateway> {
  const { name, outer, inner, authority, cluster, floating, stack } = parts;
  const namespace = await newNamespace(stack);
  const outside = await outer.join(namespace, numbers[name]);
  await inner.join(namespace, numbers[name]);
  const edges = ['e1', 'e2'].map((edge) => cluster.get(edge).ports);
  const at = (edgePort: number) => `${inner.address(numbers.servers)}:${edgePort}`;
  const { cert, key } = authority.files('gateway');
  const place = await GatewayPlace.make({
    prefix: outside.command,
    http: edges.map(({ http }) => at(http)),
    grpc: edges.map(({ grpc }) => at(grpc)),
    certificate: cert,
    key,
    listen: [`${port}`],
    listenPlain: ['80'],
    checkPort,
    proxyProtocolFrom: [],
    // All clients of the test have one address.
    connectionsPerAddress: 2_000,
    requestsPerSecond: 2_000,
    requestBurst: 10_000,
    pair: {
      device: outside.device,
      own: outside.address,
      peer: outer.address(name === 'one' ? numbers.two : numbers.one),
      floating: `${floating}/24`,
    },
  });
  const nginx = stack.use(await GatewayNginx.start(place));
  const keepalived = stack.use(await Keepalived.start(place));
  return new Gateway({ name, outside, nginx, keepalived, floating });
}

async function newNamespace(stack: AsyncDisposableStack): Promise<string> {
  const name = await addNamespace();
  stack.defer(() => removeNamespace(name));
  return name;
}
