import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Admin } from '@platformatic/kafka';
import { hasKafkaJars, kafkaJars } from '../../scripts/kafka-jars.ts';
import { Engine, type EngineSpec, engineDirectory } from './engine.ts';
import { freePort } from './free-port.ts';

const run = promisify(execFile);
const askMs = 2_000;

export interface KafkaBrokerOptions {
  /** For clients. Default: a free one. */
  readonly port?: number;
  /** For the broker's own controller. Default: a free one. */
  readonly controllerPort?: number;
  /** More of server.properties, `name=value`; later ones win. */
  readonly settings?: readonly string[];
}

type Placed = KafkaBrokerOptions & { directory: string; port: number; controllerPort: number };

/** A small broker that starts in a second or two. Its logs are warnings only. */
const java = [
  '-Xms128m',
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-cp',
  join(kafkaJars, '*'),
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

/** A broker that is its own controller (KRaft), for this machine only. */
export function kafkaSpec(o: Placed): EngineSpec {
  const file = join(o.directory, 'server.properties');
  return {
    name: 'kafka',
    directory: o.directory,
    command: 'java',
    args: [...java, 'kafka.Kafka', file],
    async configure() {
      if (!hasKafkaJars())
        throw new Error(`Kafka is not in ${kafkaJars}: "npx node scripts/setup.ts" fetches it`);
      await writeFile(file, properties(o));
    },
    async prepare() {
      // One that begins with a dash would be taken for an option.
      const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A');
      await run('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', file]);
    },
    ask: () =>
      askKafka(o.port, (admin) => admin.metadata({ topics: [] })).then(({ brokers }) => {
        if (brokers.size === 0) throw new Error('no broker has registered');
      }),
  };
}

/** Asks one question over a connection of its own. */
export async function askKafka<T>(port: number, question: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({
    clientId: 'parley-engines',
    bootstrapBrokers: [{ host: '127.0.0.1', port }],
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
