export interface BackoffConfig {
  /** Upper bound of the first wait. */
  readonly firstMs: number;
  /** Upper bound that the doubling stops at. */
  readonly maxMs: number;
}

/**
 * How long to wait before attempt number `attempt` (0 is the first retry): at random between half of the bound and the
 * bound, which doubles with each attempt. Random, so that those who failed together don't come back together; at least
 * half, so that nobody hammers.
 */
export function backoffMs(attempt: number, config: BackoffConfig, random: () => number): number {
  // 2 ** 52 is past every bound; more would only reach Infinity.
  const bound = Math.min(config.maxMs, config.firstMs * 2 ** Math.min(attempt, 52));
  return Math.round(bound / 2 + (bound / 2) * random());
}
