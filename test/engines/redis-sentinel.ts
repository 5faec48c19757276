import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../e2e/support/until.ts';
import { Engine, engineDirectory } from './engine.ts';
import { freePort } from './free-port.ts';
import { askRedis, RedisServer } from './redis-server.ts';

/** A silent master counts as down after this time. */
const downAfterMs = 1_000;

/** A certificate for 127.0.0.1, its key and the authority that signed it: files. */
interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** One sentinel, which promotes the replica when the master is away. From Debian's package redis-server. */
export class RedisSentinel extends Engine {
  /** As ioredis takes it: `{ sentinels: [{ host, port }], name }`. */
  readonly name = 'parley';
  readonly port: number;
  /** Where the sentinel started from; `RedisSentinel.masterPort` says who is it now. */
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** Where it speaks TLS; 0 where it does not. */
  readonly tlsPort: number;

  private constructor(o: SentinelParts) {
    const file = join(o.directory, 'sentinel.conf');
    super({
      name: 'redis-sentinel',
      directory: o.directory,
      command: 'redis-server',
      args: [file, '--sentinel'],
      // It writes what it learns into its configuration.
      prepare: () => writeFile(file, configuration(this.name, o)),
      ask: () => askRedis(o.port, 'PING').then(() => undefined),
    });
    this.port = o.port;
    this.tlsPort = o.tlsPort;
    this.master = o.master;
    this.replica = o.replica;
  }

  /** Resolves once the sentinel knows of the replica, and so can fail over. With `tls` all speak it to each other, too. */
  static async start({ tls }: { readonly tls?: TlsFiles } = {}): Promise<RedisSentinel> {
    await using stack = new AsyncDisposableStack();
    const ports = await Promise.all([freePort(), freePort(), freePort()]);
    const [ofMaster, ofReplica, own] = ports.map((port) => (tls === undefined ? [] : secured(tls, port)));
    const master = stack.use(await RedisServer.start({ settings: asArguments(ofMaster) }));
    const [masterTlsPort, , tlsPort] = tls === undefined ? [0, 0, 0] : ports;
    const watched = masterTlsPort || master.port;
    const settings = ['--replicaof', '127.0.0.1', `${watched}`, '--repl-diskless-sync-delay', '0'];
    const replica = stack.use(
      await RedisServer.start({ settings: [...settings, ...asArguments(ofReplica)] }),
    );
    const [port, directory] = [await freePort(), await engineDirectory('redis-sentinel')];
    const parts = { directory, port, tlsPort, watched, master, replica, settings: own ?? [] };
    const sentinel = stack.use(new RedisSentinel(parts));
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
    return this.tlsPort === 0
      ? `redis+sentinel://127.0.0.1:${this.port}/${this.name}`
      : `rediss+sentinel://127.0.0.1:${this.tlsPort}/${this.name}`;
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

interface SentinelParts {
  readonly directory: string;
  readonly port: number;
  readonly tlsPort: number;
  /** Of the master. */
  readonly watched: number;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly settings: readonly Setting[];
}

type Setting = readonly [name: string, value: string];

function secured({ cert, key, ca }: TlsFiles, port: number): readonly Setting[] {
  return [
    ['tls-port', `${port}`],
    ['tls-cert-file', cert],
    ['tls-key-file', key],
    ['tls-ca-cert-file', ca],
    ['tls-auth-clients', 'no'],
    ['tls-replication', 'yes'],
  ];
}

function asArguments(settings: readonly Setting[] = []): readonly string[] {
  return settings.flatMap(([name, value]) => [`--${name}`, value]);
}

function configuration(name: string, { port, watched, settings }: SentinelParts): string {
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    ...settings.map((setting) => setting.join(' ')),
    `sentinel monitor ${name} 127.0.0.1 ${watched} 1`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    '',
  ].join('\n');
}
