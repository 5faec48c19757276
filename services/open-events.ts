import { join } from 'node:path';
import { LetterFiles } from './adapters/local/letter-files.ts';
import { LocalEventLog } from './adapters/local/local-event-log.ts';
import type { Logger } from './core/log.ts';
import { kafkaSettings } from './kafka-options.ts';
import type { Config } from './options.ts';
import type { DeadLetters } from './ports/dead-letters.ts';
import type { EventLog } from './ports/event-log.ts';

const segmentBytes = 8 * 1024 * 1024;
const queueBytes = 16 * 1024 * 1024;
const random = Math.random;

/**
 * The event log: on Kafka where brokers are configured, else in the data directory, where only these groups consume it.
 * What speaks to Kafka is a third of the code there is to load, and is loaded where it is needed.
 */
export async function openEventLog(
  config: Config,
  log: Logger,
  groups: readonly string[],
): Promise<EventLog> {
  const settings = kafkaSettings(config.kafka);
  if (settings !== undefined) {
    const { KafkaEventLog } = await import('./adapters/kafka/kafka-event-log.ts');
    return new KafkaEventLog({ settings, log, random, queueBytes });
  }
  const directory = join(config.core.dataDir, 'events');
  const limitBytes = config.push.logBytes;
  return new LocalEventLog({ directory, log, random, limitBytes, segmentBytes, queueBytes, groups });
}

type LetterConfig = Pick<Config, 'core' | 'mysql' | 'push' | 'kafka'>;

/**
 * Dead letters: in the database where there is one, else where the event log is. The tables are made by whoever opens
 * the store first. Rejects with a StoreError.
 */
export async function openDeadLetters(config: LetterConfig): Promise<DeadLetters> {
  const settings = kafkaSettings(config.kafka);
  const limit = config.push.deadLetters;
  if (config.mysql.url !== '') {
    const { MySqlDeadLetters } = await import('./adapters/mysql/mysql-dead-letters.ts');
    const requireDurable = config.core.mode === 'production';
    return MySqlDeadLetters.open({ config: config.mysql, requireDurable, limit });
  }
  if (settings !== undefined) {
    const { KafkaDeadLetters } = await import('./adapters/kafka/kafka-dead-letters.ts');
    return KafkaDeadLetters.open({ settings, limit, random });
  }
  return LetterFiles.open({ directory: join(config.core.dataDir, 'dead-letters'), limit });
}
