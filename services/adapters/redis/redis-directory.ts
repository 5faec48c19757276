import type { Clock } from '../../core/clock.ts';
import { ConfigError, type ConfigOf } from '../../core/config.ts';
import type { Logger } from '../../core/log.ts';
import type { Directory } from '../../ports/directory.ts';
import { Keys } from './keys.ts';
import { RedisMeters } from './meters.ts';
import { RedisNodeLeases } from './node-leases.ts';
import type { directoryOptions } from './options.ts';
import { RedisPageCache } from './page-cache.ts';
import { RedisRateLimits } from './rate-limits.ts';
import { RedisConnection } from './redis-connection.ts';
import { parseRedisUrl } from './redis-url.ts';
import { RedisRevocations } from './revocations.ts';
import { RedisSessions } from './sessions.ts';
import { Subscriber } from './subscriber.ts';

export type DirectoryConfig = ConfigOf<{ directory: typeof directoryOptions }>['directory'];

export interface RedisDirectoryParts {
  readonly config: DirectoryConfig;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * The directory on Redis: a single one, a cluster, or a master that sentinels watch. It connects by itself, for ever;
 * until then, and whenever Redis is away, verbs reject, limits let pass and caches are empty. Throws a ConfigError when
 * the URL is none, or the file of authorities can't be read.
 */
export class RedisDirectory implements Directory {
  readonly meters = new RedisMeters();
  readonly nodes: RedisNodeLeases;
  readonly sessions: RedisSessions;
  readonly revocations: RedisRevocations;
  readonly rates: RedisRateLimits;
  readonly pages: RedisPageCache;
  readonly #connection: RedisConnection;
  readonly #subscriber: Subscriber;

  constructor({ config, clock, random, log }: RedisDirectoryParts) {
    const { meters } = this;
    const { commandTimeoutMs, sentinelPassword, sentinelTls, caFile, maxPending } = config;
    const keys = new Keys(config.keyPrefix);
    const target = parseRedisUrl(config.redisUrl);
    if (caFile !== '' && !target.tls)
      throw new ConfigError(['PARLEY_REDIS_CA_FILE needs TLS: PARLEY_REDIS_URL must begin with rediss']);
    const reach = {
      target,
      sentinelPassword,
      sentinelTls,
      caFile,
      commandTimeoutMs,
      name: `parley-${config.keyPrefix}`.replaceAll(':', '-'),
      random,
    };
    const connection = new RedisConnection({ ...reach, maxPending, log, meters });
    const channels = [keys.nodesChannel, keys.revokedChannel];
    const subscriber = new Subscriber({ ...reach, connection, channels, log });
    const { leaseMs, sessionTtlMs, revocationPollMs: pollMs } = config;
    const { pageTtlMs: ttlMs, pageBytes, pageCacheBytes: pendingBytes } = config;
    this.#connection = connection;
    this.#subscriber = subscriber;
    const common = { connection, subscriber, keys, log, meters };
    this.nodes = new RedisNodeLeases({ ...common, leaseMs });
    this.sessions = new RedisSessions({ connection, keys, sessionTtlMs, log, meters });
    this.revocations = new RedisRevocations({ ...common, clock, pollMs, random });
    this.rates = new RedisRateLimits({ connection, keys });
    this.pages = new RedisPageCache({ connection, keys, ttlMs, pageBytes, pendingBytes });
  }

  /**
   * Resolves when Redis is within reach and what stands in it is known, or after this time at the latest, with whether
   * it is: so that a server that starts beside its Redis lets nobody in unchecked, and starts without it all the same.
   */
  async reached(withinMs: number): Promise<boolean> {
    const reached = await this.#connection.whenReady(withinMs);
    if (reached) await this.revocations.read();
    return reached;
  }

  async close(): Promise<void> {
    this.revocations.close();
    this.#subscriber.close();
    this.#connection.close();
  }
}
