import { join } from 'node:path';
import { KafkaDeadLetters } from './adapters/kafka/kafka-dead-letters.ts';
import { KafkaEventLog } from './adapters/kafka/kafka-event-log.ts';
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

/** The event log: on Kafka where brokers are configured, else in the data directory, where only these groups consume it. */
export function openEventLog(config: Config, log: Logger, groups: readonly string[]): EventLog {
  const settings = kafkaSettings(config.kafka);
  if (settings !== undefined) return new KafkaEventLog({ settings, log, random, queueBytes });
  const directory = join(config.core.dataDir, 'events');
  const limitBytes = config.push.logBytes;
  return new LocalEventLog({ directory, log, random, limitBytes, segmentBytes, queueBytes, groups });
}

/** Dead letters, where the event log is, too. */
export async function openDeadLetters(config: Pick<Config, 'core' | 'push' | 'kafka'>): Promise<DeadLetters> {
  const settings = kafkaSettings(config.kafka);
  const limit = config.push.deadLetters;
  if (settings !== undefined) return KafkaDeadLetters.open({ settings, limit, random });
  return LetterFiles.open({ directory: join(config.core.dataDir, 'dead-letters'), limit });
}
