import { Admin, ListOffsetTimestamps } from '@platformatic/kafka';
import { clientOptions, type KafkaSettings } from './kafka-client.ts';
import { eventsTopic } from './topics.ts';

/** The brokers and the topic of events as they are found. */
export interface KafkaSurvey {
  readonly brokers: number;
  readonly topic: string;
  /** Undefined: it is not there yet. */
  readonly partitions: readonly PartitionSurvey[] | undefined;
  /** Events that each consumer group is not done with. */
  readonly lags: ReadonlyMap<string, number>;
}

interface PartitionSurvey {
  readonly replicas: number;
  readonly inSync: number;
  /** Whether somebody leads it: without one nothing is written to it or read. */
  readonly led: boolean;
}

/** Looks at the brokers that are configured. Rejects with an Error that says in words why it can't. */
export async function surveyKafka(settings: KafkaSettings): Promise<KafkaSurvey> {
  const admin = new Admin(await clientOptions(settings));
  const topic = eventsTopic(settings).name;
  try {
    const isThere = (await admin.listTopics()).includes(topic);
    const { brokers, topics } = await admin.metadata({ topics: isThere ? [topic] : [], forceUpdate: true });
    const found = topics.get(topic)?.partitions;
    return {
      brokers: brokers.size,
      topic,
      partitions: found?.map(({ replicas, isr, leader }) => ({
        replicas: replicas.length,
        inSync: isr.length,
        led: leader >= 0,
      })),
      lags: found === undefined ? new Map() : await lagsOf(admin, settings, topic, found.length),
    };
  } finally {
    await admin.close().catch(() => {});
  }
}

async function lagsOf(
  admin: Admin,
  { prefix }: KafkaSettings,
  topic: string,
  partitions: number,
): Promise<Map<string, number>> {
  const groups = [...(await admin.listGroups()).keys()].filter((group) => group.startsWith(`${prefix}.`));
  if (groups.length === 0) return new Map();
  const [listed] = await admin.listOffsets({
    topics: [
      {
        name: topic,
        partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
          partitionIndex,
          timestamp: ListOffsetTimestamps.LATEST,
        })),
      },
    ],
  });
  const latest = new Map(listed?.partitions.map(({ partitionIndex, offset }) => [partitionIndex, offset]));
  const offsets = await admin.listConsumerGroupOffsets({ groups });
  return new Map(
    offsets.map(({ groupId, topics }) => {
      const read = topics.find(({ name }) => name === topic)?.partitions ?? [];
      let lag = 0;
      for (const { partitionIndex, committedOffset } of read)
        if (committedOffset >= 0n) lag += Number((latest.get(partitionIndex) ?? 0n) - committedOffset);
      return [groupId, lag];
    }),
  );
}
