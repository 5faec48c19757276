import type { Clock } from '../../core/clock.ts';
import type { CachedPage, PageCache, PageKey } from '../../ports/directory.ts';

export interface MemoryPageCacheParts {
  readonly clock: Clock;
  readonly ttlMs: number;
  readonly pageBytes: number;
  readonly cacheBytes: number;
}

/** What a page costs besides its rows: its key, and its place in the map. */
const overheadBytes = 256;

/** Pages in this process; when there is no room, those go that were not asked for longest. */
export class MemoryPageCache implements PageCache {
  readonly maxPageBytes: number;
  readonly #parts: MemoryPageCacheParts;
  readonly #pages = new Map<string, { readonly rows: Uint8Array; readonly endsAtMs: number }>();
  #bytes = 0;

  constructor(parts: MemoryPageCacheParts) {
    this.#parts = parts;
    this.maxPageBytes = parts.pageBytes;
  }

  /** Of all pages that it holds, with what they cost besides their rows. */
  get bytes(): number {
    return this.#bytes;
  }

  async get(keys: readonly PageKey[]): Promise<readonly (Uint8Array | undefined)[]> {
    const nowMs = this.#parts.clock.monotonicMs();
    return keys.map((key) => {
      const name = nameOf(key);
      const page = this.#pages.get(name);
      if (page === undefined) return undefined;
      this.#drop(name);
      if (page.endsAtMs <= nowMs) return undefined;
      this.#keep(name, page);
      return page.rows;
    });
  }

  async put(pages: readonly CachedPage[]): Promise<void> {
    const { clock, ttlMs, cacheBytes } = this.#parts;
    const endsAtMs = clock.monotonicMs() + ttlMs;
    for (const { key, rows } of pages) {
      if (rows.byteLength > this.maxPageBytes) continue;
      const name = nameOf(key);
      this.#drop(name);
      // A copy: a view would keep the whole of what it was read from.
      this.#keep(name, { rows: rows.slice(), endsAtMs });
      for (const oldest of this.#pages.keys()) {
        if (this.#bytes <= cacheBytes) break;
        this.#drop(oldest);
      }
    }
  }

  #keep(name: string, page: { readonly rows: Uint8Array; readonly endsAtMs: number }): void {
    this.#pages.set(name, page);
    this.#bytes += page.rows.byteLength + overheadBytes;
  }

  #drop(name: string): void {
    const page = this.#pages.get(name);
    if (page === undefined) return;
    this.#pages.delete(name);
    this.#bytes -= page.rows.byteLength + overheadBytes;
  }
}

function nameOf({ epoch, convId, page, projectedSeq }: PageKey): string {
  return `${page} ${projectedSeq} ${encodeURIComponent(epoch)} ${convId}`;
}
