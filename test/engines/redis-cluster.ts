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
      const busPort = await freePort();
      const settings = ['--cluster-enabled', 'yes', '--cluster-port', `${busPort}`];
      settings.push('--cluster-node-timeout', `${nodeTimeoutMs}`);
      const server = stack.use(await RedisServer.start({ settings }));
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function firstSlot(master: number): number {
  return Math.floor((slots * master) / masters);
}
