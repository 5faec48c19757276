import { randomUUID } from 'node:crypto';
import type { KafkaSettings } from '../kafka-client.ts';

/** Settings for topics and groups of a test's own. */
export function testSettings(
  { brokers }: Pick<KafkaSettings, 'brokers'>,
  settings: Partial<KafkaSettings> = {},
): KafkaSettings {
  return {
    brokers,
    prefix: `test-${randomUUID()}`,
    partitions: 3,
    replicas: 1,
    minInSyncReplicas: 1,
    retentionMs: 3_600_000,
    publishTimeoutMs: 10_000,
    tls: false,
    caFile: '',
    certFile: '',
    keyFile: '',
    sasl: 'none',
    username: '',
    password: '',
    ...settings,
  };
}
