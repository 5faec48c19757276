import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../e2e/support/until.ts';
import { Engine, engineDirectory } from './engine.ts';
import { freePort } from './free-port.ts';
import { askRedis, RedisServer } from './redis-server.ts';

/** A silent master counts as down after this time. */
const downAfterMs = 1_000;

/** One sentinel, which promotes the replica when the master is away. From Debian's package redis-server. */
export class RedisSentinel extends Engine {
  /** As ioredis takes it: `{ sentinels: [{ host, port }], name }`. */
  readonly name = 'parley';
  readonly port: number;
  /** Where the sentinel started from; `RedisSentinel.masterPort` says who is it now. */
  readonly master: RedisServer;
  readonly replica: RedisServer;

  private constructor(o: { directory: string; port: number; master: RedisServer; replica: RedisServer }) {
    const file = join(o.directory, 'sentinel.conf');
    super({
      name: 'redis-sentinel',
      directory: o.directory,
      command: 'redis-server',
      args: [file, '--sentinel'],
      // It writes what it learns into its configuration.
      prepare: () => writeFile(file, configuration(this.name, o.port, o.master.port)),
      ask: () => askRedis(o.port, 'PING').then(() => undefined),
    });
    this.port = o.port;
    this.master = o.master;
    this.replica = o.replica;
  }

  /** Resolves once the sentinel knows of the replica, and so can fail over. */
  static async start(): Promise<RedisSentinel> {
    await using stack = new AsyncDisposableStack();
    const master = stack.use(await RedisServer.start());
    const settings = ['--replicaof', '127.0.0.1', `${master.port}`, '--repl-diskless-sync-delay', '0'];
    const replica = stack.use(await RedisServer.start({ settings }));
    const [port, directory] = [await freePort(), await engineDirectory('redis-sentinel')];
    const sentinel = stack.use(new RedisSentinel({ directory, port, master, replica }));
    await sentinel.launch();
    await until(
      async () => (await sentinel.#replicas()) === 1,
      () => sentinel.output,
    );
    stack.move();
    return sentinel;
  }

  /** As `PARLEY_REDIS_URL` takes it. */
  get url(): string {
    return `redis+sentinel://127.0.0.1:${this.port}/${this.name}`;
  }

  /** The port of the server that the sentinel takes for the master. */
  async masterPort(): Promise<number> {
    const [, port] = (await askRedis(
      this.port,
      'SENTINEL',
      'GET-MASTER-ADDR-BY-NAME',
      this.name,
    )) as string[];
    return Number(port);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.replica[Symbol.asyncDispose]();
    await this.master[Symbol.asyncDispose]();
  }

  /** How many replicas it knows that are in step with the master. */
  async #replicas(): Promise<number> {
    const replicas = (await askRedis(this.port, 'SENTINEL', 'REPLICAS', this.name)) as string[][];
    return replicas.filter((fields) => fields[fields.indexOf('master-link-status') + 1] === 'ok').length;
  }
}

function configuration(name: string, port: number, masterPort: number): string {
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor ${name} 127.0.0.1 ${masterPort} 1`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    '',
  ].join('\n');
}
