import { EventEmitter } from 'node:events';
import type { Consumer } from '@platformatic/kafka';

export const stubTopic = 'events';

interface StubRecord {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly partition: number;
  readonly offset: bigint;
}

/** What the library's stream does: what was fetched stays in it until it is read, whoever owns the partition by then. */
class StubStream {
  readonly #buffer: StubRecord[] = [];
  #destroyed: Error | undefined;
  #changed = Promise.withResolvers<void>();

  push(partition: number, offset: number): void {
    const [key, value] = [Buffer.from('conv'), Buffer.from(`${partition}:${offset}`)];
    this.#buffer.push({ key, value, partition, offset: BigInt(offset) });
    this.#changed.resolve();
  }

  destroy(error = new Error('the stream was destroyed')): void {
    this.#destroyed ??= error;
    this.#changed.resolve();
  }

  get destroyed(): boolean {
    return this.#destroyed !== undefined;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StubRecord> {
    for (;;) {
      if (this.#destroyed !== undefined) throw this.#destroyed;
      const record = this.#buffer.shift();
      if (record !== undefined) {
        yield record;
        continue;
      }
      this.#changed = Promise.withResolvers();
      await this.#changed.promise;
    }
  }
}

/**
 * A client of the library as far as a member of a group sees it, whose rebalances the test makes: with a broker one can't
 * say what a stream holds at that moment. After each, whatever streams there are read again from what was committed.
 */
export class StubClient extends EventEmitter {
  closed = false;
  readonly connections = {
    get: (_broker: unknown, callback: (error: Error | null) => void) => callback(null),
    close: async () => {},
  };
  /** The coordinator is no longer in the cluster. */
  alone = false;
  /** What a commit is answered with, where it is not taken. */
  refusal: Error | undefined;
  assignments: { topic: string; partitions: number[] }[] | null = null;
  readonly topics = { track: () => true };
  readonly committed = new Map<number, number>();
  /** How far each partition reaches: the offset after its newest record. */
  readonly #ends = new Map<number, number>();
  readonly #streams: StubStream[] = [];
  readonly #joined = Promise.withResolvers<void>();

  /** As what a KafkaConsumer takes for the library's. */
  get client(): Consumer {
    return this as unknown as Consumer;
  }

  /** Has records from..to-1 written, which nobody fetches yet. */
  write(partition: number, from: number, to: number): void {
    if (!this.committed.has(partition)) this.committed.set(partition, from);
    this.#ends.set(partition, to);
  }

  /** A rebalance: from now on the member has these partitions. */
  assign(...partitions: number[]): void {
    this.assignments = [{ topic: stubTopic, partitions }];
    this.emit('consumer:group:join');
    this.#joined.resolve();
    for (const stream of this.#streams) this.#fetch(stream);
  }

  /** A fetch that was under way is answered. */
  answer(partition: number, offset: number): void {
    for (const stream of this.#streams) if (!stream.destroyed) stream.push(partition, offset);
  }

  async consume(): Promise<StubStream> {
    await this.#joined.promise;
    const stream = new StubStream();
    this.#streams.push(stream);
    this.#fetch(stream);
    return stream;
  }

  async metadata() {
    return { topics: new Map([[stubTopic, { id: 'id' }]]) };
  }

  async listOffsets() {
    const ends: bigint[] = [];
    for (const [partition, end] of this.#ends) ends[partition] = BigInt(end);
    return new Map([[stubTopic, ends]]);
  }

  async commit({ offsets }: { offsets: { partition: number; offset: bigint }[] }): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal;
    await new Promise<void>((resolve, reject) => {
      const broker = this.alone ? undefined : {};
      this.connections.get(broker, (error) => (error === null ? resolve() : reject(error)));
    });
    for (const { partition, offset } of offsets) this.committed.set(partition, Number(offset));
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  #fetch(stream: StubStream): void {
    if (stream.destroyed) return;
    for (const partition of this.assignments?.[0]?.partitions ?? []) {
      const end = this.#ends.get(partition) ?? 0;
      for (let at = this.committed.get(partition) ?? 0; at < end; at += 1) stream.push(partition, at);
    }
  }
}
