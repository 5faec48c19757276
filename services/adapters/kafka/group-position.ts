import { type Consumer, ListOffsetTimestamps } from '@platformatic/kafka';

/** The partitions of the topic that are this member's. */
export function assigned(consumer: Consumer, topic: string): readonly number[] {
  return consumer.assignments?.find((assignment) => assignment.topic === topic)?.partitions ?? [];
}

export function owns(consumer: Consumer, topic: string, partition: number): boolean {
  return assigned(consumer, topic).includes(partition);
}

/** A partition in which the group was moved to the oldest event there is, and how many are gone. */
export interface Skipped {
  readonly partition: number;
  readonly events: number;
}

/** Moves the group on, in those of this member's partitions where the events that it would read next are gone. */
export async function skipMissing(consumer: Consumer, topic: string): Promise<readonly Skipped[]> {
  const partitions = [...assigned(consumer, topic)];
  const bound = async (timestamp: bigint) =>
    (await consumer.listOffsets({ topics: [topic], timestamp })).get(topic) ?? [];
  const oldest = await bound(ListOffsetTimestamps.EARLIEST);
  const newest = await bound(ListOffsetTimestamps.LATEST);
  const stands = (await consumer.listCommittedOffsets({ topics: [{ topic, partitions }] })).get(topic) ?? [];
  const skipped: Skipped[] = [];
  for (const partition of partitions) {
    const [from, to, at] = [oldest[partition] ?? 0n, newest[partition] ?? 0n, stands[partition] ?? -1n];
    if (at < 0n || (at >= from && at <= to)) continue;
    skipped.push({ partition, events: Math.max(0, Number(from - at)) });
  }
  if (skipped.length > 0) {
    await consumer.commit({
      offsets: skipped.map(({ partition }) => ({
        topic,
        partition,
        offset: oldest[partition] ?? 0n,
        leaderEpoch: -1,
      })),
    });
  }
  return skipped;
}

/** Events of these partitions that are behind where the members' marks are. */
export async function lagOf(
  consumer: Consumer,
  topic: string,
  marks: Iterable<readonly [partition: number, mark: number]>,
): Promise<number> {
  const latest = await consumer.listOffsets({ topics: [topic], timestamp: ListOffsetTimestamps.LATEST });
  let lag = 0;
  for (const [partition, mark] of marks) {
    lag += Math.max(0, Number(latest.get(topic)?.[partition] ?? 0n) - mark);
  }
  return lag;
}
