import type { Logger } from '../../core/log.ts';
import type { RedisMeters } from './meters.ts';

interface Told {
  readonly log: Logger;
  readonly meters: RedisMeters;
}

/** Redis answers. */
export function connected({ log, meters }: Told): void {
  meters.available = 1;
  meters.connects += 1;
  log.info('the directory is within reach', { 'event.action': 'directory-available' });
}

/** Redis does not answer any more; told once, however often connecting fails. */
export function lost({ log, meters }: Told, error: unknown): void {
  meters.available = 0;
  log.warn('the directory is out of reach', { 'event.action': 'directory-unavailable' }, error);
}

/** Redis holds something under our keys that we did not write. */
export function malformed({ log, meters }: Told, what: string): void {
  meters.malformed += 1;
  // A key that stays wrong is read again and again: the meter counts, the log tells some.
  if (meters.malformed > 100) return;
  log.warn(`${what} in the directory can't be understood`, { 'event.action': 'directory-malformed' });
}
