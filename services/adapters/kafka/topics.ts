import { Admin, type BaseOptions } from '@platformatic/kafka';
import { isProtocolError, type KafkaSettings } from './kafka-client.ts';

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
}

export function eventsTopic({ prefix, partitions, retentionMs }: KafkaSettings): TopicSpec {
  return { name: `${prefix}.events`, partitions, configs: { 'retention.ms': String(retentionMs) } };
}

/** Compacted: a letter that is removed is a tombstone. One partition, so that the oldest are found in one place. */
export function deadLettersTopic({ prefix }: KafkaSettings): TopicSpec {
  return { name: `${prefix}.dead-letters`, partitions: 1, configs: { 'cleanup.policy': 'compact' } };
}

/** Makes a topic unless it is there; one that is there stays as it is. Safe to run on many nodes at once. */
export async function ensureTopic(
  options: BaseOptions,
  settings: KafkaSettings,
  topic: TopicSpec,
): Promise<void> {
  const admin = new Admin(options);
  try {
    if ((await admin.listTopics()).includes(topic.name)) return;
    const { replicas, minInSyncReplicas } = settings;
    const configs = Object.entries({
      ...topic.configs,
      ...(minInSyncReplicas === 0 ? {} : { 'min.insync.replicas': String(minInSyncReplicas) }),
    });
    await admin.createTopics({
      topics: [topic.name],
      partitions: topic.partitions,
      replicas: replicas === 0 ? -1 : replicas,
      configs: configs.map(([name, value]) => ({ name, value })),
    });
  } catch (error) {
    if (!isProtocolError(error, 'TOPIC_ALREADY_EXISTS')) throw error;
  } finally {
    await admin.close().catch(() => {});
  }
}
