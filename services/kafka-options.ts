import { z } from 'zod';
import { ConfigError, type ConfigOf, option, type OptionTable } from './core/config.ts';
import type { KafkaSettings } from './adapters/kafka/kafka-client.ts';

const saslNames = {
  none: 'none',
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
} as const;
type SaslName = keyof typeof saslNames;

export const kafkaOptions = {
  brokers: option<readonly string[]>({
    env: 'PARLEY_KAFKA_BROKERS',
    type: z
      .array(z.string().regex(/^[^\s,:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/))
      .describe('comma-separated brokers, each as host:port'),
    default: [],
    doc: 'Kafka brokers to begin with. Empty: a single process keeps its event log in files of the data directory, and a cluster has none.',
  }),
  prefix: option({
    env: 'PARLEY_KAFKA_PREFIX',
    type: z
      .string()
      .regex(/^[a-zA-Z0-9._-]{1,100}$/)
      .describe('1 to 100 of letters, digits, dots, dashes and underscores'),
    default: 'parley',
    doc: 'Topics are named PREFIX.events and, without a database, PREFIX.dead-letters; consumer groups begin with it.',
  }),
  partitions: option({
    env: 'PARLEY_KAFKA_PARTITIONS',
    type: z.int().min(1).max(1_000),
    default: 12,
    doc: 'Partitions of the topic of events when it is made: as many readers can share it. Adding some later moves conversations, whose order is then not kept for a while.',
  }),
  replicas: option({
    env: 'PARLEY_KAFKA_REPLICAS',
    type: z.int().min(0).max(10),
    default: 0,
    doc: 'Replicas of topics when they are made; 0: as the brokers have it.',
  }),
  minInSyncReplicas: option({
    env: 'PARLEY_KAFKA_MIN_ISR',
    type: z.int().min(0).max(10),
    default: 0,
    doc: 'Replicas that must have an event before it counts as published, set when topics are made; 0: as the brokers have it. With 1 a broker that is lost takes events along.',
  }),
  retentionMs: option({
    env: 'PARLEY_KAFKA_RETENTION_MS',
    type: z.int().min(60_000),
    default: 604_800_000,
    doc: 'How long events are kept, in milliseconds, set when the topic is made: so long may a receiver of webhooks be away.',
  }),
  publishTimeoutMs: option({
    env: 'PARLEY_KAFKA_PUBLISH_TIMEOUT_MS',
    type: z.int().min(500).max(120_000),
    default: 10_000,
    doc: 'How long a publish may take, tries included, before it fails and is begun again, in milliseconds.',
  }),
  tls: option({
    env: 'PARLEY_KAFKA_TLS',
    type: z.boolean(),
    default: false,
    doc: 'Whether brokers are reached by TLS.',
  }),
  caFile: option({
    env: 'PARLEY_KAFKA_CA_FILE',
    type: z.string(),
    default: '',
    doc: 'PEM file with the authorities that brokers are trusted by; empty: the usual ones.',
  }),
  certFile: option({
    env: 'PARLEY_KAFKA_CERT_FILE',
    type: z.string(),
    default: '',
    doc: 'PEM file with the certificate that brokers know this client by; empty: none.',
  }),
  keyFile: option({
    env: 'PARLEY_KAFKA_KEY_FILE',
    type: z.string(),
    default: '',
    doc: 'PEM file with the key of that certificate.',
  }),
  sasl: option<SaslName>({
    env: 'PARLEY_KAFKA_SASL',
    type: z.enum(['none', 'plain', 'scram-sha-256', 'scram-sha-512']),
    default: 'none',
    doc: 'How this client signs in to brokers.',
  }),
  username: option({
    env: 'PARLEY_KAFKA_USERNAME',
    type: z.string(),
    default: '',
    doc: 'User name for SASL.',
  }),
  password: option({
    env: 'PARLEY_KAFKA_PASSWORD',
    type: z.string(),
    default: '',
    doc: 'Password for SASL.',
    secret: true,
  }),
} satisfies OptionTable;

type KafkaConfig = ConfigOf<{ kafka: typeof kafkaOptions }>['kafka'];

/** The settings, checked against each other; undefined where no broker is named. Throws a ConfigError. */
export function kafkaSettings(config: KafkaConfig): KafkaSettings | undefined {
  if (config.brokers.length === 0) return undefined;
  const problems: string[] = [];
  if (config.sasl !== 'none' && (config.username === '' || config.password === '')) {
    problems.push(
      `PARLEY_KAFKA_USERNAME and PARLEY_KAFKA_PASSWORD must be set with PARLEY_KAFKA_SASL=${config.sasl}`,
    );
  }
  if ((config.certFile === '') !== (config.keyFile === '')) {
    problems.push('PARLEY_KAFKA_CERT_FILE and PARLEY_KAFKA_KEY_FILE must be set together');
  }
  if (!config.tls && (config.caFile !== '' || config.certFile !== '')) {
    problems.push('PARLEY_KAFKA_TLS must be true where certificates are set');
  }
  if (config.replicas !== 0 && config.minInSyncReplicas > config.replicas) {
    problems.push('PARLEY_KAFKA_MIN_ISR must not be above PARLEY_KAFKA_REPLICAS');
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...config, sasl: saslNames[config.sasl] };
}
