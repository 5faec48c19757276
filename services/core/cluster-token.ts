import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether a caller knows the cluster's secret. Takes as long for any wrong one. */
export function knowsClusterToken(shown: string, secret: string): boolean {
  return timingSafeEqual(digest(shown), digest(secret));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
