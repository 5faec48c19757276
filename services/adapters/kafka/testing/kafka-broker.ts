import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Admin } from '@platformatic/kafka';
import { kafkaJars } from './kafka-jars.ts';

const readyMs = 90_000;
const keptOutput = 20_000;
const testdata = fileURLToPath(new URL('../../../grpc/testdata/', import.meta.url));

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export const saslUser = { username: 'parley', password: 'a password of tests' };

/** A real broker in KRaft mode, on free ports, in a directory of its own; it keeps both through kill and restart. */
export class KafkaBroker implements AsyncDisposable {
  readonly #directory: string;
  readonly #jars: string;
  readonly #ports: { readonly plain: number; readonly sasl: number };
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(
    directory: string,
    jars: string,
    ports: { readonly plain: number; readonly sasl: number },
  ) {
    this.#directory = directory;
    this.#jars = jars;
    this.#ports = ports;
  }

  /** Resolves once it serves. */
  static async start(): Promise<KafkaBroker> {
    const jars = await kafkaJars();
    const directory = await mkdtemp(join(tmpdir(), 'parley-kafka-'));
    const [plain, sasl, controller] = await freePorts(3);
    const broker = new KafkaBroker(directory, jars, { plain: plain as number, sasl: sasl as number });
    try {
      const properties = join(directory, 'server.properties');
      const key = await readFile(join(testdata, 'server.key'), 'utf8');
      const pem = join(directory, 'server.pem');
      await writeFile(pem, key + (await readFile(join(testdata, 'server.pem'), 'utf8')), { mode: 0o600 });
      await writeFile(properties, broker.#properties(controller as number, pem));
      await broker.#java(
        'kafka.tools.StorageTool',
        'format',
        '-t',
        'cGFybGV5LXRlc3RzLWthZg',
        '-c',
        properties,
      );
      await broker.restart();
      return broker;
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** `host:port` for clients in clear. */
  get brokers(): string[] {
    return [`127.0.0.1:${this.#ports.plain}`];
  }

  /** `host:port` for clients with TLS and SASL. */
  get saslBrokers(): string[] {
    return [`localhost:${this.#ports.sasl}`];
  }

  /** SIGKILL. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGSTOP: connections stay open and nothing is answered. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** SIGCONT. */
  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Starts it on the same ports and data. Resolves once it serves. */
  async restart(): Promise<void> {
    await this.#end('SIGTERM');
    const child = spawn(
      'java',
      [...this.#javaArguments(), 'kafka.Kafka', join(this.#directory, 'server.properties')],
      {
        cwd: this.#directory,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-keptOutput);
      });
    }
    await this.#ready(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGKILL');
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }

  async #ready(child: ChildProcess): Promise<void> {
    const untilMs = performance.now() + readyMs;
    for (;;) {
      const admin = new Admin({
        clientId: 'test',
        bootstrapBrokers: this.brokers,
        connectTimeout: 1_000,
        requestTimeout: 2_000,
        retries: 0,
      });
      try {
        await admin.listTopics();
        return;
      } catch (error) {
        if (child.exitCode !== null || performance.now() > untilMs) {
          throw new Error(`the broker does not serve:\n${this.#output}`, { cause: error });
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      } finally {
        await admin.close().catch(() => {});
      }
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    // One that is frozen hears of nothing but this.
    if (signal === 'SIGTERM') child.kill('SIGCONT');
    await gone;
  }

  async #java(...args: readonly string[]): Promise<void> {
    await promisify(execFile)('java', [...this.#javaArguments(), ...args], { cwd: this.#directory });
  }

  #javaArguments(): string[] {
    return ['-Xmx320m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', join(this.#jars, '*')];
  }

  #properties(controller: number, pem: string): string {
    const { plain, sasl } = this.#ports;
    const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
    const { username, password } = saslUser;
    return Object.entries({
      'process.roles': 'broker,controller',
      'node.id': 1,
      'controller.quorum.voters': `1@127.0.0.1:${controller}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `PLAINTEXT://127.0.0.1:${plain},SASL_SSL://localhost:${sasl},CONTROLLER://127.0.0.1:${controller}`,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'PLAINTEXT',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': pem,
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.sasl_ssl.plain.sasl.jaas.config': `${login} user_${username}="${password}";`,
      'log.dirs': join(this.#directory, 'data'),
      'num.partitions': 3,
      'auto.create.topics.enable': false,
      'offsets.topic.replication.factor': 1,
      'offsets.topic.num.partitions': 3,
      'transaction.state.log.replication.factor': 1,
      'transaction.state.log.min.isr': 1,
      'group.initial.rebalance.delay.ms': 0,
    })
      .map(([name, value]) => `${name}=${value}\n`)
      .join('');
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  return ports;
}
