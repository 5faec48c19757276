import type { Clock } from '../../core/clock.ts';
import type { Directory } from '../../ports/directory.ts';
import { MemoryNodeLeases } from './node-leases.ts';
import { MemoryPageCache } from './page-cache.ts';
import { MemoryRateLimits } from './rate-limits.ts';
import { MemoryRevocations } from './revocations.ts';
import { MemorySessions } from './sessions.ts';

export interface MemoryDirectoryParts {
  readonly clock: Clock;
  /** Keeps revocations over restarts; without it they end with the process. */
  readonly revocationFile?: string | undefined;
  readonly leaseMs: number;
  readonly sessionTtlMs: number;
  readonly pageTtlMs: number;
  readonly pageBytes: number;
  readonly pageCacheBytes: number;
}

/** The directory of a process that has all roles: in its memory, revocations in a file besides. */
export class MemoryDirectory implements Directory {
  readonly nodes: MemoryNodeLeases;
  readonly sessions: MemorySessions;
  readonly revocations: MemoryRevocations;
  readonly rates: MemoryRateLimits;
  readonly pages: MemoryPageCache;

  private constructor(parts: MemoryDirectoryParts, revocations: MemoryRevocations) {
    const { clock, leaseMs, sessionTtlMs, pageTtlMs: ttlMs, pageBytes, pageCacheBytes: cacheBytes } = parts;
    this.nodes = new MemoryNodeLeases({ clock, leaseMs });
    this.sessions = new MemorySessions({ clock, sessionTtlMs });
    this.revocations = revocations;
    this.rates = new MemoryRateLimits({ clock });
    this.pages = new MemoryPageCache({ clock, ttlMs, pageBytes, cacheBytes });
  }

  /** Rejects with a DirectoryError in words when the file of revocations can't be read. */
  static async open(parts: MemoryDirectoryParts): Promise<MemoryDirectory> {
    return new MemoryDirectory(parts, await MemoryRevocations.open(parts.clock, parts.revocationFile));
  }

  async close(): Promise<void> {
    await this.revocations.close();
  }
}
