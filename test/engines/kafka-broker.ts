import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Admin } from '@platformatic/kafka';
import { jmxExporterJar, kafkaJars } from '../../scripts/kafka-jars.ts';
import { root } from '../../scripts/paths.ts';
import { Engine, type EngineSpec, engineDirectory } from './engine.ts';
import { freePort } from './free-port.ts';

const run = promisify(execFile);
const askMs = 2_000;

export interface KafkaBrokerOptions {
  /** For clients. Default: a free one. */
  readonly port?: number;
  /** For the broker's own controller. Default: a free one. */
  readonly controllerPort?: number;
  /** Where it tells Prometheus of itself, as deploy/kafka says. Default: nowhere. */
  readonly metricsPort?: number;
  /** The same for all brokers of a cluster. Default: one of its own. */
  readonly clusterId?: string;
  /** More of server.properties, `name=value`; later ones win. */
  readonly settings?: readonly string[];
}

type Placed = KafkaBrokerOptions & { directory: string; port: number; controllerPort: number };

/** What runs programs of Kafka's: a small broker that starts in a second or two. Its logs are warnings only. */
export const kafkaJava = [
  '-Xms128m',
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-cp',
  join(kafkaJars.directory, '*'),
];

function properties(o: Placed): string {
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${o.controllerPort}`,
    `listeners=CLIENTS://127.0.0.1:${o.port},CONTROLLER://127.0.0.1:${o.controllerPort}`,
    `advertised.listeners=CLIENTS://127.0.0.1:${o.port}`,
    'listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name=CLIENTS',
    'controller.listener.names=CONTROLLER',
    `log.dirs=${join(o.directory, 'data')}`,
    // A misspelt topic is an error, not a new topic.
    'auto.create.topics.enable=false',
    // There is one broker, and nobody waits for more members of a group.
    ...['offsets.topic', 'transaction.state.log', 'share.coordinator.state.topic'].flatMap((topic) => [
      `${topic}.num.partitions=1`,
      `${topic}.replication.factor=1`,
    ]),
    'transaction.state.log.min.isr=1',
    'share.coordinator.state.topic.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    // A broker that was killed is let in again when its session of before has expired.
    'broker.session.timeout.ms=3000',
    'broker.heartbeat.interval.ms=500',
    ...(o.settings ?? []),
    '',
  ].join('\n');
}

function agent({ metricsPort }: Placed): string[] {
  if (metricsPort === undefined) return [];
  const config = join(root, 'deploy', 'kafka', 'jmx-exporter.yml');
  return [`-javaagent:${jmxExporterJar()}=127.0.0.1:${metricsPort}:${config}`];
}

/** A broker that is its own controller (KRaft), for this machine only. */
export function kafkaSpec(o: Placed): EngineSpec {
  const file = join(o.directory, 'server.properties');
  return {
    name: 'kafka',
    directory: o.directory,
    command: 'java',
    args: [...kafkaJava, ...agent(o), 'kafka.Kafka', file],
    async configure() {
      if (!kafkaJars.there)
        throw new Error(`Kafka is not in ${kafkaJars.directory}: "npx node scripts/setup.ts" fetches it`);
      await writeFile(file, properties(o));
    },
    prepare: () => formatKafka(file, o.clusterId),
    ask: () => askWhetherKafkaServes(o.port),
  };
}

/** Lays out the data of a broker as its properties have it. */
export async function formatKafka(properties: string, clusterId = newClusterId()): Promise<void> {
  await run('java', [...kafkaJava, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties]);
}

export function newClusterId(): string {
  // One that begins with a dash would be taken for an option.
  return randomBytes(16).toString('base64url').replace(/^-/, 'A');
}

export async function askWhetherKafkaServes(port: number, host?: string): Promise<void> {
  const { brokers } = await askKafka(port, (admin) => admin.metadata({ topics: [] }), host);
  if (brokers.size === 0) throw new Error('no broker has registered');
}

/** Asks one question over a connection of its own. */
export async function askKafka<T>(
  port: number,
  question: (admin: Admin) => Promise<T>,
  host = '127.0.0.1',
): Promise<T> {
  const admin = new Admin({
    clientId: 'parley-engines',
    bootstrapBrokers: [{ host, port }],
    timeout: askMs,
    requestTimeout: askMs,
    connectTimeout: askMs,
    retries: 0,
  });
  try {
    return await question(admin);
  } finally {
    await admin.close();
  }
}

/** A private Kafka broker. From Kafka's own jars, which `scripts/setup.ts` fetches; needs Java 17 or later. */
export class KafkaBroker extends Engine {
  readonly port: number;

  private constructor(o: Placed) {
    super(kafkaSpec(o));
    this.port = o.port;
  }

  static async start(o: KafkaBrokerOptions = {}): Promise<KafkaBroker> {
    const port = o.port ?? (await freePort());
    const controllerPort = o.controllerPort ?? (await freePort());
    const broker = new KafkaBroker({ ...o, port, controllerPort, directory: await engineDirectory('kafka') });
    await broker.launch();
    return broker;
  }

  /** As clients take it: `bootstrapBrokers: [broker.address]`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** One question over a connection of its own: `ask((admin) => admin.listTopics())`. */
  ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    return askKafka(this.port, question);
  }
}
