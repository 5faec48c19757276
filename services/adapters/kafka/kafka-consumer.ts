import type { BaseOptions, Consumer, ConsumerOptions, MessagesStream } from '@platformatic/kafka';
import { backoffMs } from '../../core/backoff.ts';
import { HandOver } from '../../core/hand-over.ts';
import type { ConvId } from '../../core/ids.ts';
import type { Logger } from '../../core/log.ts';
import { within } from '../../core/within.ts';
import type { ConsumeInit, EventConsumer, LogEvent } from '../../ports/event-log.ts';
import { assigned, lagOf, owns, skipMissing } from './group-position.ts';
import { discard, isProtocolError } from './kafka-client.ts';
import { Membership } from './membership.ts';

export interface KafkaConsumerInit {
  readonly consume: ConsumeInit;
  readonly topic: string;
  readonly groupId: string;
  readonly options: BaseOptions;
  readonly log: Logger;
  readonly random: () => number;
  /** A client that has not joined yet: one for each session. */
  client(options: ConsumerOptions<Buffer, Buffer, Buffer, Buffer>): Consumer;
  stopped(): void;
}

type Stream = MessagesStream<Buffer, Buffer, Buffer, Buffer>;

const retry = { firstMs: 100, maxMs: 30_000 };
const rejoin = { firstMs: 200, maxMs: 5_000 };
/** How often what is done is committed, when there is anything. */
const commitMs = 500;
/** How often the lag is looked up, in commits. */
const lagEvery = 10;
/** A member that is not heard of for this long is out. */
const sessionMs = 10_000;
/** A group waits this long for its members when it shares the partitions anew; so long may joining take. */
const rebalanceMs = 15_000;
/** How long leaving the group may take; a broker that is gone is not waited for. */
const leaveMs = 3_000;

/**
 * One member of a consumer group. What Kafka calls a session (a consumer and its stream) ends with any trouble, and the
 * next one begins after a pause; what has been handed over stays handed over meanwhile: the next session reads it again
 * from where the group stands, and it is passed over here.
 */
export class KafkaConsumer implements EventConsumer {
  readonly #init: KafkaConsumerInit;
  readonly #counts = { handed: 0, failed: 0, skipped: 0, lag: 0 };
  readonly #running: Promise<void>;
  readonly #partitions = new Map<number, HandOver<LogEvent>>();
  /** The partition that reading stands still for, since there is no room. */
  #awaited: HandOver<LogEvent> | undefined;
  /** What the group has been told of each partition. */
  readonly #committed = new Map<number, number>();
  /** What the group gave this member when it joined last. */
  #assignment: ReadonlySet<number> = new Set();
  #topicId: string | undefined;
  #consumer: Consumer | undefined;
  /** Of that client. */
  #membership: Membership | undefined;
  /** Undefined while there is none, and when another one is to take its place. */
  #stream: Stream | undefined;
  #committing: Promise<void> = Promise.resolve();
  #ticks = 0;
  readonly #timer: NodeJS.Timeout;
  #paused = false;
  #stopped = false;
  #wake: () => void = () => {};

  constructor(init: KafkaConsumerInit) {
    this.#init = init;
    this.#timer = setInterval(() => void this.#tick(), commitMs);
    this.#running = this.#run();
  }

  get meters() {
    return { ...this.#counts };
  }

  pause(): void {
    this.#paused = true;
    for (const handOver of this.#partitions.values()) handOver.pause();
  }

  resume(): void {
    this.#paused = false;
    for (const handOver of this.#partitions.values()) handOver.resume();
  }

  async drain(deadlineMs: number): Promise<void> {
    this.pause();
    await within(deadlineMs, Promise.all([...this.#partitions.values()].map((handOver) => handOver.idle())));
    await within(leaveMs, this.#commit());
  }

  async stop(): Promise<void> {
    if (!this.#stopped) {
      this.#stopped = true;
      clearInterval(this.#timer);
      for (const handOver of this.#partitions.values()) handOver.stop();
      await within(leaveMs, this.#commit());
      this.#stream?.destroy();
      this.#wake();
      this.#init.stopped();
    }
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let attempt = 0; !this.#stopped; ) {
      const before = this.#counts.handed;
      try {
        await this.#session();
      } catch (error) {
        if (this.#stopped) break;
        const fields = { 'event.action': 'consumer-failed', 'parley.group': this.#init.groupId };
        this.#init.log.warn('reading from Kafka failed and begins anew', fields, error);
        await this.#correct(error);
      } finally {
        await this.#leave();
      }
      attempt = this.#counts.handed > before ? 0 : attempt + 1;
      await this.#pause(backoffMs(attempt, rejoin, this.#init.random));
    }
  }

  /** Reads until something goes wrong or it is stopped. */
  async #session(): Promise<void> {
    const { options, groupId, topic, client } = this.#init;
    const consumer = client({
      ...options,
      groupId,
      // One that gives up joining while the group waits for a member that died would only make another such member.
      requestTimeout: 2 * rebalanceMs,
      // Of the client rather than of each stream: when a commit makes it join anew, it takes these.
      sessionTimeout: sessionMs,
      rebalanceTimeout: rebalanceMs,
      heartbeatInterval: 1_000,
    });
    this.#consumer = consumer;
    this.#assignment = new Set();
    const membership: Membership = new Membership(consumer, (trouble) => {
      if (this.#membership !== membership) return;
      this.#awaited?.lookAgain();
      this.#stream?.destroy(trouble);
    });
    this.#membership = membership;
    consumer.on('consumer:group:join', () => this.#assigned(consumer));
    await this.#checkTopic(consumer);
    // Kept subscribed from one stream to the next: a client without a stream would take the topic off, and join anew.
    consumer.topics.track(topic);
    let stream: Stream;
    do {
      stream = await consumer.consume({
        topics: [topic],
        mode: 'committed',
        fallbackMode: 'earliest',
        autocommit: false,
        // What waits here is read and not handed over: some hundred records, or one fetch.
        highWaterMark: 128,
        maxBytes: 2 * 1024 * 1024,
        maxWaitTime: 500,
      });
      this.#stream = stream;
      if (this.#stopped) return;
      // It may have been lost before there was a stream.
      membership.assert();
      await this.#read(consumer, membership, stream);
    } while (this.#stream !== stream);
  }

  /** Hands over what a stream brings, until it ends or another one is to take its place. */
  async #read(consumer: Consumer, membership: Membership, stream: Stream): Promise<void> {
    const { topic } = this.#init;
    try {
      for await (const { key, value, partition, offset } of stream) {
        if (this.#stream !== stream) return;
        // Of a partition that was taken away there may still be records here: they are for its new reader.
        if (!owns(consumer, topic, partition)) continue;
        const position = Number(offset);
        const handOver = this.#handOver(partition, position);
        if (position < handOver.next) continue;
        this.#awaited = handOver;
        const room = await handOver.room(() => !membership.isLost);
        this.#awaited = undefined;
        if (this.#stopped) return;
        // It may have been taken away while this waited, and have come back.
        if (!room || this.#partitions.get(partition) !== handOver || !owns(consumer, topic, partition))
          continue;
        handOver.give(position, {
          convId: (key ?? '').toString() as ConvId,
          value: value ?? new Uint8Array(),
        });
      }
    } catch (error) {
      // One that was put aside ends in whatever way.
      if (this.#stream === stream) throw error;
    }
  }

  #handOver(partition: number, position: number): HandOver<LogEvent> {
    const known = this.#partitions.get(partition);
    if (known !== undefined) return known;
    const { consume, random, log, groupId } = this.#init;
    const windowLeft = (): number => consume.window - this.#sizeBeside(handOver);
    const handOver: HandOver<LogEvent> = new HandOver<LogEvent>({
      get window() {
        return windowLeft();
      },
      mark: position,
      retry,
      random,
      handle: (event) => {
        this.#counts.handed += 1;
        return consume.handle(event);
      },
      failed: (error) => {
        this.#counts.failed += 1;
        const fields = { 'event.action': 'event-failed', 'parley.group': groupId };
        log.warn('an event was not handled and is handed over again', fields, error);
      },
      moved: () => this.#awaited?.lookAgain(),
    });
    if (this.#paused) handOver.pause();
    this.#partitions.set(partition, handOver);
    this.#committed.set(partition, position);
    return handOver;
  }

  /** What the other partitions take of the window. */
  #sizeBeside(handOver: HandOver<LogEvent>): number {
    let size = 0;
    for (const other of this.#partitions.values()) if (other !== handOver) size += other.size;
    return size;
  }

  /**
   * What this member no longer reads is no longer its business. A partition that it gains begins where the group stands;
   * but the stream may hold records of it that it fetched when it had it before, and from the first of those on what is
   * before it would count as handed over. So reading begins anew, with a stream that holds nothing. What the member keeps
   * is read again from where the group stands, and passed over as far as it has been handed over.
   */
  #assigned(consumer: Consumer): void {
    const assignment = new Set(assigned(consumer, this.#init.topic));
    for (const [partition, handOver] of this.#partitions) {
      if (assignment.has(partition)) continue;
      handOver.stop();
      this.#partitions.delete(partition);
      this.#committed.delete(partition);
    }
    this.#awaited?.lookAgain();
    const gained = [...assignment].some((partition) => !this.#assignment.has(partition));
    this.#assignment = assignment;
    const stream = this.#stream;
    if (!gained || stream === undefined) return;
    this.#stream = undefined;
    stream.destroy();
  }

  /** A topic that was removed and made again counts from 0 again. */
  async #checkTopic(consumer: Consumer): Promise<void> {
    const { topic } = this.#init;
    const { topics } = await consumer.metadata({ topics: [topic], forceUpdate: true });
    const id = topics.get(topic)?.id;
    if (this.#topicId !== undefined && id !== this.#topicId) {
      for (const handOver of this.#partitions.values()) handOver.stop();
      this.#partitions.clear();
      this.#committed.clear();
    }
    this.#topicId = id;
  }

  async #tick(): Promise<void> {
    await this.#commit();
    this.#ticks += 1;
    if (this.#ticks % lagEvery === 1) await this.#lookUpLag().catch(() => {});
  }

  /** Tells the group how far all is done. Never rejects: what is not told is told next time, or read again. */
  #commit(): Promise<void> {
    this.#committing = this.#committing.then(async () => {
      const [consumer, membership] = [this.#consumer, this.#membership];
      const { topic, log, groupId } = this.#init;
      if (consumer === undefined || consumer.closed) return;
      const moved = [...this.#partitions]
        .filter(([partition, { mark }]) => mark > (this.#committed.get(partition) ?? 0))
        .filter(([partition]) => owns(consumer, topic, partition))
        .map(([partition, handOver]) => ({ partition, handOver, mark: handOver.mark }));
      if (moved.length === 0) return;
      try {
        await consumer.commit({
          offsets: moved.map(({ partition, mark }) => ({
            topic,
            partition,
            offset: BigInt(mark),
            leaderEpoch: -1,
          })),
        });
        for (const { partition, handOver, mark } of moved) {
          if (this.#partitions.get(partition) === handOver) this.#committed.set(partition, mark);
        }
        membership?.committed();
      } catch (error) {
        membership?.commitFailed(error);
        log.debug('what is done was not committed', {
          'parley.group': groupId,
          'error.message': String(error),
        });
      }
    });
    return this.#committing;
  }

  async #lookUpLag(): Promise<void> {
    const consumer = this.#consumer;
    if (consumer === undefined || consumer.closed) return;
    const marks = [...this.#partitions].map(([partition, { mark }]) => [partition, mark] as const);
    this.#counts.lag = await lagOf(consumer, this.#init.topic, marks);
  }

  /** Where the group stands may be gone from the topic: then it goes on at the oldest there is, counted. */
  async #correct(error: unknown): Promise<void> {
    const consumer = this.#consumer;
    if (!isProtocolError(error, 'OFFSET_OUT_OF_RANGE') || consumer === undefined) return;
    const { topic, log, groupId } = this.#init;
    try {
      for (const { partition, events } of await skipMissing(consumer, topic)) {
        this.#counts.skipped += events;
        this.#partitions.get(partition)?.stop();
        this.#partitions.delete(partition);
        this.#committed.delete(partition);
        const fields = { 'event.action': 'events-dropped', 'parley.group': groupId, 'parley.events': events };
        log.error('events were dropped before they were read', fields);
      }
    } catch (failure) {
      log.warn('where to go on is not known yet', { 'parley.group': groupId }, failure);
    }
  }

  async #leave(): Promise<void> {
    const [consumer, stream] = [this.#consumer, this.#stream];
    this.#consumer = undefined;
    this.#membership = undefined;
    this.#stream = undefined;
    stream?.destroy();
    if (consumer === undefined) return;
    await within(leaveMs, discard(consumer));
    // Of one that could not leave its group they would stay.
    await within(
      leaveMs,
      consumer.connections.close().catch(() => {}),
    );
  }

  #pause(ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
