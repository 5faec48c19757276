import { until } from '../../../../test/e2e/support/until.ts';
import { freePort, RedisServer } from './redis-server.ts';

const slots = 16_384;
const masters = 3;

/** Three masters, each with a third of the slots. */
export class RedisCluster implements AsyncDisposable {
  readonly servers: readonly RedisServer[];

  private constructor(servers: readonly RedisServer[]) {
    this.servers = servers;
  }

  /** Resolves once every server knows that all slots are served. */
  static async start(): Promise<RedisCluster> {
    const servers: RedisServer[] = [];
    const cluster = new RedisCluster(servers);
    try {
      for (let i = 0; i < masters; i++) {
        const busPort = await freePort();
        const settings = ['--cluster-enabled', 'yes', '--cluster-port', `${busPort}`];
        settings.push('--cluster-node-timeout', '2000');
        const server = await RedisServer.start({ settings });
        servers.push(server);
        await server.ask('CLUSTER', 'ADDSLOTSRANGE', `${firstSlot(i)}`, `${firstSlot(i + 1) - 1}`);
        // Epochs that differ from the start need not be agreed on.
        await server.ask('CLUSTER', 'SET-CONFIG-EPOCH', `${i + 1}`);
        if (i > 0) await servers[0]?.ask('CLUSTER', 'MEET', '127.0.0.1', `${server.port}`, `${busPort}`);
      }
      await cluster.formed();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get url(): string {
    return `redis+cluster://${this.servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

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
    for (const server of this.servers) await server[Symbol.asyncDispose]();
  }
}

function firstSlot(master: number): number {
  return Math.floor((slots * master) / masters);
}
