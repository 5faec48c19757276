import { DirectoryError, type RateLimit, type RateLimits } from '../../ports/directory.ts';
import type { Keys } from './keys.ts';
import type { RedisConnection } from './redis-connection.ts';
import { loadScript } from './script.ts';

const takeRate = loadScript('take-rate');

/** Limits over all nodes: a cell in Redis for each key, by Redis's clock. */
export class RedisRateLimits implements RateLimits {
  readonly #parts: { readonly connection: RedisConnection; readonly keys: Keys };

  constructor(parts: { readonly connection: RedisConnection; readonly keys: Keys }) {
    this.#parts = parts;
  }

  async take({ name, perSecond, burst }: RateLimit, key: string): Promise<number> {
    const { connection, keys } = this.#parts;
    const args = [Math.max(1, Math.round(1_000_000 / perSecond)), Math.max(1, burst)];
    try {
      const waitMicros = await connection.script(takeRate, [keys.rate(name, key)], args);
      return Math.ceil(Number(waitMicros) / 1_000);
    } catch (error) {
      if (!(error instanceof DirectoryError)) throw error;
      connection.meters.ratesUnchecked += 1;
      return 0;
    }
  }
}
