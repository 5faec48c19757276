import { until } from '../../../../test/e2e/support/until.ts';
import { RedisServer } from './redis-server.ts';

/** A master with a replica, and one sentinel, which promotes the replica when the master is away. */
export class RedisSentinel implements AsyncDisposable {
  readonly name = 'parley';
  readonly master: RedisServer;
  readonly #replica: RedisServer;
  readonly #sentinel: RedisServer;

  private constructor(master: RedisServer, replica: RedisServer, sentinel: RedisServer) {
    this.master = master;
    this.#replica = replica;
    this.#sentinel = sentinel;
  }

  /** Resolves once the sentinel can fail over. */
  static async start(): Promise<RedisSentinel> {
    await using stack = new AsyncDisposableStack();
    const master = stack.use(await RedisServer.start());
    const following = ['--replicaof', '127.0.0.1', `${master.port}`, '--repl-diskless-sync-delay', '0'];
    const replica = stack.use(await RedisServer.start({ settings: following }));
    const sentinel = stack.use(
      await RedisServer.start({
        sentinel: [
          `sentinel monitor parley 127.0.0.1 ${master.port} 1`,
          'sentinel down-after-milliseconds parley 1000',
        ],
      }),
    );
    await until(
      async () => {
        const replicas = (await sentinel.ask('SENTINEL', 'REPLICAS', 'parley')) as string[][];
        return replicas.some((fields) => fields[fields.indexOf('master-link-status') + 1] === 'ok');
      },
      () => 'the sentinel knows of no replica',
    );
    stack.move();
    return new RedisSentinel(master, replica, sentinel);
  }

  get url(): string {
    return `redis+sentinel://127.0.0.1:${this.#sentinel.port}/${this.name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#sentinel, this.#replica, this.master]) await server[Symbol.asyncDispose]();
  }
}
