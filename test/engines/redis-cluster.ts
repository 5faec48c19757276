import { until } from '../e2e/support/until.ts';
import { freePort } from './free-port.ts';
import { RedisServer } from './redis-server.ts';

const slots = 16_384;
const masters = 3;
/** A silent server counts as failed after this time. */
const nodeTimeoutMs = 2_000;

/** Three masters without replicas, each with a third of the slots: while one is away the cluster refuses, as it must. */
export class RedisCluster implements AsyncDisposable {
  readonly servers: readonly RedisServer[];
  readonly #stack: AsyncDisposableStack;

  private constructor(servers: readonly RedisServer[], stack: AsyncDisposableStack) {
    this.servers = servers;
    this.#stack = stack;
  }

  /** Resolves once every server knows that all slots are served. */
  static async start(): Promise<RedisCluster> {
    await using stack = new AsyncDisposableStack();
    const servers: RedisServer[] = [];
    for (let i = 0; i < masters; i += 1) {
      const { server, busPort } = await startMember();
      stack.use(server);
      await server.ask('CLUSTER', 'ADDSLOTSRANGE', `${firstSlot(i)}`, `${firstSlot(i + 1) - 1}`);
      // Epochs that differ from the start need not be agreed on.
      await server.ask('CLUSTER', 'SET-CONFIG-EPOCH', `${i + 1}`);
      await servers[0]?.ask('CLUSTER', 'MEET', '127.0.0.1', `${server.port}`, `${busPort}`);
      servers.push(server);
    }
    const cluster = new RedisCluster(servers, stack.move());
    try {
      await cluster.formed();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** As ioredis' Cluster takes them. */
  get nodes(): { readonly host: string; readonly port: number }[] {
    return this.servers.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  /** As `PARLEY_REDIS_URL` takes it. */
  get url(): string {
    return `redis+cluster://${this.servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  /** Resolves once every server serves and sees the whole cluster: after a start, or when one came back. */
  async formed(): Promise<void> {
    let seen: string[] = [];
    await until(
      async () => {
        seen = await Promise.all(this.servers.map((server) => server.ask('CLUSTER', 'INFO').then(String)));
        return seen.every(
          (info) => info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${masters}`),
        );
      },
      () => seen.join('\n'),
    );
  }

  /** The master, of the three at the start, that this slot was given to. */
  masterOf(slot: number): RedisServer | undefined {
    return this.servers.findLast((_, at) => firstSlot(at) <= slot);
  }

  /** One more server, which takes over from this master. Resolves once it is in step; to be disposed of by the caller. */
  async replicaOf(master: RedisServer): Promise<RedisServer> {
    await using stack = new AsyncDisposableStack();
    const { server } = await startMember();
    stack.use(server);
    const { id, busPort } = await memberOf(master);
    await server.ask('CLUSTER', 'MEET', '127.0.0.1', `${master.port}`, busPort);
    await until(
      async () => String(await server.ask('CLUSTER', 'NODES')).includes(id),
      () => 'it does not know the master',
    );
    await server.ask('CLUSTER', 'REPLICATE', id);
    const { id: own } = await memberOf(server);
    // Whoever votes for it must know whose replica it is.
    await until(
      async () => {
        const seen = await Promise.all(this.servers.map((each) => each.ask('CLUSTER', 'REPLICAS', id)));
        const inStep = String(await server.ask('ROLE')).includes('connected');
        return inStep && seen.every((replicas) => String(replicas).includes(own));
      },
      () => 'it is not in step with the master',
    );
    stack.move();
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

async function startMember(): Promise<{ readonly server: RedisServer; readonly busPort: number }> {
  const busPort = await freePort();
  const settings = ['--cluster-enabled', 'yes', '--cluster-port', `${busPort}`];
  settings.push('--cluster-node-timeout', `${nodeTimeoutMs}`);
  return { server: await RedisServer.start({ settings }), busPort };
}

/** As the server itself says. */
async function memberOf(server: RedisServer): Promise<{ readonly id: string; readonly busPort: string }> {
  const nodes = String(await server.ask('CLUSTER', 'NODES'));
  const [, id, busPort] = /^(\w+) \S*@(\d+)\S* \S*myself/m.exec(nodes) ?? [];
  if (id === undefined || busPort === undefined) throw new Error(nodes);
  return { id, busPort };
}

function firstSlot(master: number): number {
  return Math.floor((slots * master) / masters);
}
