import { type BaseOptions, compatibilityPartitioner, ProduceAcks, Producer } from '@platformatic/kafka';
import { backoffMs } from '../../core/backoff.ts';
import { ByteQueue } from '../../core/queue.ts';
import { EventLogError } from '../../ports/event-log.ts';
import { discard, isProtocolError } from './kafka-client.ts';

/** A record of a topic; without a value it is a tombstone. */
export interface TopicRecord {
  readonly topic: string;
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

export interface PublisherInit {
  readonly options: BaseOptions;
  readonly timeoutMs: number;
  /** Bytes that wait, at most. */
  readonly queueBytes: number;
  readonly random: () => number;
  /** Told of each attempt that failed. */
  failed(error: unknown): void;
}

interface Waiting {
  readonly records: readonly TopicRecord[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: EventLogError) => void;
}

/** A broker takes no more than a mebibyte for one partition by default, and all of these may be for one. */
const sendBytes = 768 * 1024;
const overheadBytes = 96;
const retry = { firstMs: 100, maxMs: 2_000 };

/**
 * Produces with acks from all in-sync replicas, one request at a time: what waits meanwhile goes together in the next
 * one, so that order holds and batches grow with the load. A request that fails is sent again as it was, by a new
 * producer: the sequence numbers of the old one could make the broker take another batch for a repeat and drop it.
 */
export class Publisher {
  readonly #init: PublisherInit;
  readonly #queue: ByteQueue<Waiting>;
  #producer: Producer | undefined;
  #sending: Promise<void> | undefined;
  #stopped = false;

  constructor(init: PublisherInit) {
    this.#init = init;
    this.#queue = new ByteQueue(init.queueBytes);
  }

  get waitingBytes(): number {
    return this.#queue.bytes;
  }

  /** Resolves when all records are acknowledged; rejects with an EventLogError within about twice the timeout. */
  publish(records: readonly TopicRecord[]): Promise<void> {
    if (this.#stopped) return Promise.reject(new EventLogError('unavailable', 'publishing is stopped'));
    let bytes = 0;
    for (const { key, value } of records) bytes += 4 * key.length + (value?.byteLength ?? 0) + overheadBytes;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (this.#queue.push({ records, bytes, resolve, reject }, bytes) !== 'queued') {
      return Promise.reject(new EventLogError('full', 'too many events wait for Kafka'));
    }
    this.#sending ??= this.#run();
    return promise;
  }

  /** Waits until nothing waits. */
  async idle(): Promise<void> {
    await this.#sending;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#discard();
    await this.#sending;
  }

  async #run(): Promise<void> {
    // What is published in this turn of the event loop goes together.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const batch: Waiting[] = [];
      for (let bytes = 0; bytes < sendBytes; ) {
        const next = this.#queue.shift();
        if (next === undefined) break;
        batch.push(next);
        bytes += next.bytes;
      }
      try {
        for (const records of cut(batch.flatMap((waiting) => waiting.records))) await this.#persist(records);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        const failure = error as EventLogError;
        // What waits behind a batch that could not be sent must not overtake it, nor wait as long once more.
        const behind = failure.kind === 'unavailable' ? this.#queue.drain() : [];
        for (const { reject } of [...batch, ...behind]) reject(failure);
      }
    }
    // In the same turn as the look at the queue: what comes later begins a run of its own.
    this.#sending = undefined;
  }

  /** Sends until it is acknowledged or the time is over. */
  async #persist(records: readonly TopicRecord[]): Promise<void> {
    const { timeoutMs, random, failed } = this.#init;
    const untilMs = performance.now() + timeoutMs;
    for (let attempt = 0; ; attempt += 1) {
      if (this.#stopped) throw new EventLogError('unavailable', 'publishing is stopped');
      try {
        await this.#send(records, Math.max(1, untilMs - performance.now()));
        return;
      } catch (error) {
        this.#discard();
        failed(error);
        if (isProtocolError(error, 'MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD')) {
          throw new EventLogError('rejected', 'Kafka refuses the events', error);
        }
        const waitMs = backoffMs(attempt, retry, random);
        if (performance.now() + waitMs >= untilMs) {
          throw new EventLogError('unavailable', 'Kafka does not take events', error);
        }
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  async #send(records: readonly TopicRecord[], withinMs: number): Promise<void> {
    this.#producer ??= new Producer({
      ...this.#init.options,
      idempotent: true,
      acks: ProduceAcks.ALL,
      // As Java's clients do, so that other producers and consumers agree where a key belongs.
      partitioner: compatibilityPartitioner,
    });
    const messages = records.map(({ topic, key, value }) => ({
      topic,
      key: Buffer.from(key),
      ...(value === undefined
        ? {}
        : { value: Buffer.from(value.buffer, value.byteOffset, value.byteLength) }),
    }));
    const sent = this.#producer.send({ messages });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer from Kafka in time`)), withinMs);
    });
    try {
      await Promise.race([sent, late]);
    } finally {
      clearTimeout(timer);
      // Nobody listens any more when it was late.
      sent.catch(() => {});
    }
  }

  #discard(): void {
    const producer = this.#producer;
    this.#producer = undefined;
    if (producer !== undefined) void discard(producer);
  }
}

/** Requests that a broker takes: one caller's records alone may be more than that. */
function cut(records: readonly TopicRecord[]): TopicRecord[][] {
  const requests: TopicRecord[][] = [];
  let bytes = sendBytes;
  for (const record of records) {
    const size = 4 * record.key.length + (record.value?.byteLength ?? 0) + overheadBytes;
    if (bytes + size > sendBytes) {
      requests.push([]);
      bytes = 0;
    }
    (requests.at(-1) as TopicRecord[]).push(record);
    bytes += size;
  }
  return requests;
}
