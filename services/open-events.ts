import { join } from 'node:path';
import { LetterFiles } from './adapters/local/letter-files.ts';
import { LocalEventLog } from './adapters/local/local-event-log.ts';
import type { Logger } from './core/log.ts';
import type { Config } from './options.ts';
import type { DeadLetters } from './ports/dead-letters.ts';
import type { EventLog } from './ports/event-log.ts';

const segmentBytes = 8 * 1024 * 1024;
const queueBytes = 16 * 1024 * 1024;

/** The event log of a single process; only these groups consume it. */
export function openEventLog(config: Config, log: Logger, groups: readonly string[]): EventLog {
  return new LocalEventLog({
    directory: join(config.core.dataDir, 'events'),
    log,
    random: Math.random,
    limitBytes: config.push.logBytes,
    segmentBytes,
    queueBytes,
    groups,
  });
}

/** Where dead letters are. */
export function openDeadLetters(config: Pick<Config, 'core' | 'push'>): Promise<DeadLetters> {
  return LetterFiles.open({
    directory: join(config.core.dataDir, 'dead-letters'),
    limit: config.push.deadLetters,
  });
}
