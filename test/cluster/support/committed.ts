import { decodeCommittedEvent } from '../../../services/codec/committed-event.ts';
import { KafkaEventLog } from '../../../services/adapters/kafka/kafka-event-log.ts';
import { loadConfig } from '../../../services/core/config.ts';
import { silentLogger } from '../../../services/core/log.ts';
import { kafkaOptions, kafkaSettings } from '../../../services/kafka-options.ts';

/** What Kafka has been told of a cluster, as a consumer of the test's own reads it. */
export class CommittedEvents implements AsyncDisposable {
  readonly #log: KafkaEventLog;
  readonly #seqs = new Map<string, Set<number>>();

  private constructor(log: KafkaEventLog) {
    this.#log = log;
  }

  /** `env`: that of the cluster's processes. */
  static async open(env: Readonly<Record<string, string>>): Promise<CommittedEvents> {
    const settings = kafkaSettings(loadConfig({ kafka: kafkaOptions }, env).kafka);
    if (settings === undefined) throw new Error('the cluster has no Kafka');
    const log = new KafkaEventLog({
      settings,
      log: silentLogger,
      random: Math.random,
      queueBytes: 1_000_000,
    });
    await log.start();
    const committed = new CommittedEvents(log);
    await log.consume({
      group: 'test',
      window: 1_000,
      handle: async ({ value }) => {
        const { convId, entries } = decodeCommittedEvent(value);
        for (const { seq } of entries) committed.seqs(convId).add(Number(seq));
      },
    });
    return committed;
  }

  /** Of a conversation, what was told of so far. */
  seqs(convId: string): Set<number> {
    const known = this.#seqs.get(convId) ?? new Set();
    this.#seqs.set(convId, known);
    return known;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log.stop();
  }
}
