import { type BaseOptions, Consumer, ListOffsetTimestamps } from '@platformatic/kafka';
import type { DeadLetter, DeadLetters } from '../../ports/dead-letters.ts';
import { clientOptions, discard, type KafkaSettings } from './kafka-client.ts';
import { Publisher } from './publisher.ts';
import { deadLettersTopic, ensureTopic } from './topics.ts';

export interface KafkaDeadLettersInit {
  readonly settings: KafkaSettings;
  /** Letters that are kept of each endpoint, about. */
  readonly limit: number;
  readonly random: () => number;
}

const queueBytes = 16 * 1024 * 1024;
/** Fetches in a row that bring nothing although there is more. */
const mostEmpty = 10;
const fetchBytes = 2 * 1024 * 1024;
/** After so many letters it is looked whether there are too many: reading all for each would cost more than it saves. */
const trimEvery = 100;

/** What says where a letter stands. */
type Place = Pick<DeadLetter, 'id' | 'endpoint' | 'occurredAtMs'>;

/**
 * Dead letters of a cluster, in a compacted topic: the newest record of an id is the letter, a tombstone says that it
 * was removed. Any node adds to it, and the command line reads it from anywhere.
 */
export class KafkaDeadLetters implements DeadLetters {
  readonly #init: KafkaDeadLettersInit;
  readonly #options: BaseOptions;
  readonly #topic: string;
  readonly #publisher: Publisher;
  dropped = 0;
  #made: Promise<void> | undefined;
  #added = 0;
  #trimming: Promise<void> = Promise.resolve();

  private constructor(init: KafkaDeadLettersInit, options: BaseOptions) {
    this.#init = init;
    this.#options = options;
    this.#topic = deadLettersTopic(init.settings).name;
    this.#publisher = new Publisher({
      options,
      timeoutMs: init.settings.publishTimeoutMs,
      queueBytes,
      random: init.random,
      failed() {},
    });
  }

  /** Rejects when a file of the settings can't be read; brokers are asked when there is something to ask. */
  static async open(init: KafkaDeadLettersInit): Promise<KafkaDeadLetters> {
    return new KafkaDeadLetters(init, await clientOptions(init.settings));
  }

  async add(letter: DeadLetter): Promise<void> {
    await this.#ready();
    const value = Buffer.from(JSON.stringify(letter));
    await this.#publisher.publish([{ topic: this.#topic, key: letter.id, value }]);
    this.#added += 1;
    if (this.#added % trimEvery !== 0) return;
    // One at a time, so that each is counted once. The letter is kept whether this works or not; it is tried again.
    this.#trimming = this.#trimming.then(() => this.#trim()).catch(() => {});
    await this.#trimming;
  }

  async list(limit: number, endpoint?: string): Promise<readonly DeadLetter[]> {
    await this.#ready();
    const letters = await this.#all((letter) => letter);
    return letters.filter((letter) => endpoint === undefined || letter.endpoint === endpoint).slice(0, limit);
  }

  async find(ids: readonly string[]): Promise<readonly DeadLetter[]> {
    await this.#ready();
    return this.#all((letter) => letter, new Set(ids));
  }

  async remove({ id }: Pick<DeadLetter, 'id'>): Promise<void> {
    await this.#ready();
    await this.#publisher.publish([{ topic: this.#topic, key: id, value: undefined }]);
  }

  async close(): Promise<void> {
    await this.#trimming;
    await this.#publisher.idle();
    await this.#publisher.stop();
  }

  /** Makes the topic unless it is there; once, and again when that failed. */
  #ready(): Promise<void> {
    const { settings } = this.#init;
    this.#made ??= ensureTopic(this.#options, settings, deadLettersTopic(settings)).catch((error) => {
      this.#made = undefined;
      throw error;
    });
    return this.#made;
  }

  async #trim(): Promise<void> {
    const shelves = new Map<string, Place[]>();
    for (const place of await this.#all(placeOf)) {
      const shelf = shelves.get(place.endpoint) ?? [];
      shelf.push(place);
      shelves.set(place.endpoint, shelf);
    }
    for (const shelf of shelves.values()) {
      for (const place of shelf.slice(0, Math.max(0, shelf.length - this.#init.limit))) {
        await this.remove(place);
        this.dropped += 1;
      }
    }
  }

  /**
   * Oldest first, all or those with such an id, and of each what is taken. Memory is bounded by what is kept: the limit
   * for each endpoint, and what came since it was last looked.
   */
  async #all<T extends Place>(take: (letter: DeadLetter) => T, ids?: ReadonlySet<string>): Promise<T[]> {
    const letters = new Map<string, T>();
    const consumer = new Consumer({
      ...this.#options,
      groupId: `${this.#init.settings.prefix}.dead-letters`,
    });
    try {
      for await (const { key, value } of this.#records(consumer)) {
        if (ids?.has(key) === false) continue;
        if (value === null) letters.delete(key);
        else letters.set(key, take(JSON.parse(value.toString()) as DeadLetter));
      }
    } finally {
      await discard(consumer);
    }
    return [...letters.values()].sort((a, b) => a.occurredAtMs - b.occurredAtMs || (a.id < b.id ? -1 : 1));
  }

  /** What the topic holds now. Read as nobody's group: everybody is to see everything. */
  async *#records(consumer: Consumer) {
    const topic = this.#topic;
    const { topics } = await consumer.metadata({ topics: [topic], forceUpdate: true });
    const known = topics.get(topic);
    const [partition] = known?.partitions ?? [];
    if (known === undefined || partition === undefined) throw new Error(`there is no topic ${topic}`);
    consumer.topics.track(topic);
    const bound = async (timestamp: bigint): Promise<bigint> =>
      (await consumer.listOffsets({ topics: [topic], timestamp })).get(topic)?.[0] ?? 0n;
    const end = await bound(ListOffsetTimestamps.LATEST);
    let empty = 0;
    for (let at = await bound(ListOffsetTimestamps.EARLIEST); at < end; ) {
      const { responses } = await consumer.fetch({
        node: partition.leader,
        maxBytes: fetchBytes,
        maxWaitTime: 500,
        topics: [
          {
            topicId: known.id,
            partitions: [
              {
                partition: 0,
                currentLeaderEpoch: -1,
                fetchOffset: at,
                lastFetchedEpoch: -1,
                partitionMaxBytes: fetchBytes,
              },
            ],
          },
        ],
      });
      const batches = responses[0]?.partitions[0]?.records ?? [];
      empty = batches.length === 0 ? empty + 1 : 0;
      if (empty > mostEmpty) throw new Error(`${topic} can not be read from ${at} on`);
      for (const batch of batches) {
        for (const record of batch.records) {
          // A batch comes whole, also where its first records were asked for before.
          if (batch.firstOffset + BigInt(record.offsetDelta) < at || record.key === null) continue;
          yield { key: record.key.toString(), value: record.value };
        }
        at = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
      }
    }
  }
}

/** Without what was to be sent, which may be large. */
function placeOf({ id, endpoint, occurredAtMs }: DeadLetter): Place {
  return { id, endpoint, occurredAtMs };
}
