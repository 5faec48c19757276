import { join } from 'node:path';
import { MemoryDirectory } from './adapters/memory/memory-directory.ts';
import type { RedisMeters } from './adapters/redis/meters.ts';
import { systemClock } from './core/clock.ts';
import type { Logger } from './core/log.ts';
import type { Config } from './options.ts';
import type { Directory } from './ports/directory.ts';

/** How long a start waits for Redis, which may be starting, too. */
const reachWithinMs = 3_000;

export interface OpenedDirectory {
  readonly directory: Directory;
  /** Of the one on Redis. */
  readonly meters: RedisMeters | undefined;
}

/** The directory as configured: on Redis, or in this process, which then is the only one. */
export async function openDirectory(
  config: Pick<Config, 'core' | 'directory'>,
  log: Logger,
): Promise<OpenedDirectory> {
  if (config.directory.redisUrl !== '') {
    // A process by itself starts without loading what speaks to Redis.
    const { RedisDirectory } = await import('./adapters/redis/redis-directory.ts');
    const parts = { config: config.directory, clock: systemClock, random: Math.random, log };
    const directory = new RedisDirectory(parts);
    if (!(await directory.reached(reachWithinMs))) {
      const fields = { 'event.action': 'directory-unavailable' };
      log.warn('starting without a directory: nobody answers at PARLEY_REDIS_URL', fields);
    }
    return { directory, meters: directory.meters };
  }
  const revocationFile = join(config.core.dataDir, 'revocations');
  const directory = await MemoryDirectory.open({ ...config.directory, clock: systemClock, revocationFile });
  return { directory, meters: undefined };
}
