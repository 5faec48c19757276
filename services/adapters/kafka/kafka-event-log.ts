import { type BaseOptions, Consumer } from '@platformatic/kafka';
import { backoffMs } from '../../core/backoff.ts';
import type { Logger } from '../../core/log.ts';
import { within } from '../../core/within.ts';
import {
  type ConsumeInit,
  type EventConsumer,
  type EventLog,
  EventLogError,
  type EventLogMeters,
  type LogEvent,
  maxEventBytes,
} from '../../ports/event-log.ts';
import { clientOptions, type KafkaSettings } from './kafka-client.ts';
import { KafkaConsumer } from './kafka-consumer.ts';
import { Publisher } from './publisher.ts';
import { ensureTopic, eventsTopic } from './topics.ts';

export interface KafkaEventLogInit {
  readonly settings: KafkaSettings;
  readonly log: Logger;
  readonly random: () => number;
  /** Bytes of events that wait to be sent, at most. */
  readonly queueBytes: number;
}

/** How long a start waits for the brokers before it goes on without: chat does not need them. */
const startMs = 5_000;
const retry = { firstMs: 500, maxMs: 10_000 };

/** The event log on Kafka: one topic, partitioned by conversation. What is dropped for age is Kafka's to say. */
export class KafkaEventLog implements EventLog {
  readonly name = 'event-log';
  readonly #init: KafkaEventLogInit;
  readonly #topic: string;
  readonly #counts = { published: 0, failed: 0, dropped: 0 };
  readonly #consumers = new Set<KafkaConsumer>();
  #options: BaseOptions | undefined;
  #publisher: Publisher | undefined;

  constructor(init: KafkaEventLogInit) {
    this.#init = init;
    this.#topic = eventsTopic(init.settings).name;
  }

  get meters(): EventLogMeters {
    return { ...this.#counts, waitingBytes: this.#publisher?.waitingBytes ?? 0 };
  }

  /**
   * Makes the topic unless it is there. Where no broker is reached it goes on trying behind this: until then nothing is
   * published. Rejects when a file of the settings can't be read.
   */
  async start(): Promise<void> {
    const { settings, log, random, queueBytes } = this.#init;
    const options = await clientOptions(settings);
    this.#options = options;
    this.#publisher = new Publisher({
      options,
      timeoutMs: settings.publishTimeoutMs,
      queueBytes,
      random,
      failed: (error) => log.debug('a request to Kafka failed', { 'error.message': String(error) }),
    });
    await within(startMs, this.#makeTopic(options));
  }

  /** Ends when the topic is there, or the log is stopped. */
  async #makeTopic(options: BaseOptions): Promise<void> {
    const { settings, log, random } = this.#init;
    for (let attempt = 0; this.#options === options; attempt += 1) {
      try {
        await ensureTopic(options, settings, eventsTopic(settings));
        return;
      } catch (error) {
        log.warn('Kafka is not reached yet', { 'event.action': 'kafka-unreachable' }, error);
        await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, retry, random)).unref());
      }
    }
  }

  async publish(events: readonly LogEvent[]): Promise<void> {
    if (this.#publisher === undefined) throw new EventLogError('unavailable', 'the event log is stopped');
    if (events.some(({ value }) => value.byteLength > maxEventBytes)) {
      throw new EventLogError('rejected', `an event is over ${maxEventBytes} bytes`);
    }
    if (events.length === 0) return;
    const topic = this.#topic;
    try {
      await this.#publisher.publish(events.map(({ convId, value }) => ({ topic, key: convId, value })));
      this.#counts.published += events.length;
    } catch (error) {
      this.#counts.failed += 1;
      throw error;
    }
  }

  async consume(init: ConsumeInit): Promise<EventConsumer> {
    if (!/^[a-z0-9._-]{1,100}$/.test(init.group))
      throw new RangeError(`${init.group} can't be a group's name`);
    if (this.#options === undefined) throw new EventLogError('unavailable', 'the event log is stopped');
    const { settings, log, random } = this.#init;
    const consumer = new KafkaConsumer({
      consume: init,
      topic: this.#topic,
      groupId: `${settings.prefix}.${init.group}`,
      options: this.#options,
      log,
      random,
      client: (options) => new Consumer(options),
      stopped: () => void this.#consumers.delete(consumer),
    });
    this.#consumers.add(consumer);
    return consumer;
  }

  async drain(): Promise<void> {
    await this.#publisher?.idle();
  }

  async stop(): Promise<void> {
    const publisher = this.#publisher;
    this.#publisher = undefined;
    this.#options = undefined;
    await Promise.all([publisher?.stop(), ...[...this.#consumers].map((consumer) => consumer.stop())]);
  }
}
