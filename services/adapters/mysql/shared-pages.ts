import type { ConvId, Seq } from '../../core/ids.ts';
import type { Logger } from '../../core/log.ts';
import type { PageCache, PageKey } from '../../ports/directory.ts';
import { StoreError, type StoredEntry } from '../../ports/message-store.ts';
import { decodePage, encodePage, firstOf, pageOf, pageRows } from './page-codec.ts';
import type { SealedRow } from './sealed-row.ts';

/** A page that the cache does not give in this time is read from the database: it should save time, not cost it. */
const cacheWithinMs = 100;
/** Fewer entries than this are read as they are: a page would cost more than it saves. */
const leastEntries = 10;
/** Pages that can't be understood are counted; so many are told of. */
const toldAtMost = 100;

export interface SharedPagesParts {
  readonly cache: PageCache;
  /** Of the store, as it is known now. */
  readonly epoch: () => string;
  readonly log: Logger;
}

/** What of a conversation is asked for. */
export interface PageRequest {
  readonly convId: ConvId;
  readonly from: Seq;
  readonly to: Seq;
  /** The conversation's projected_seq, read before. */
  readonly asOf: Seq;
  /** All rows there are from … to, from the database. */
  readonly read: (from: Seq, to: Seq) => Promise<readonly SealedRow[]>;
  readonly open: (row: SealedRow) => StoredEntry;
}

/**
 * History in whole pages, through a cache that nodes share. A page is kept once all of its entries are there, under the
 * last change of an earlier entry that was known *before* its rows were read: it may be newer than its name, and is
 * never older. What is in the cache is not believed unless it is that page, and every body in it opens.
 */
export class SharedPages {
  readonly #parts: SharedPagesParts;
  /** Pages that could not be understood. */
  unsound = 0;

  constructor(parts: SharedPagesParts) {
    this.#parts = parts;
  }

  /** Whether it is worth while for so many entries. */
  static serves(from: Seq, to: Seq): boolean {
    return to - from + 1 >= leastEntries;
  }

  /** The entries from … to that there are, ascending. Rejects as `read` and `open` do, for rows of the database alone. */
  async entries(request: PageRequest): Promise<readonly StoredEntry[]> {
    const { from, to } = request;
    const known = await this.#cached(request);
    const missing: number[] = [];
    for (let page = pageOf(from); page <= pageOf(to); page += 1) if (!known.has(page)) missing.push(page);
    const [first, last] = [missing[0], missing.at(-1)];
    if (first !== undefined && last !== undefined) {
      const rows = await request.read(firstOf(first), firstOf(last + 1) - 1);
      this.#keep(request, rows, missing);
      for (const page of missing) {
        const wanted = rows.filter(({ seq }) => pageOf(seq) === page && seq >= from && seq <= to);
        known.set(page, wanted.map(request.open));
      }
    }
    return [...known.keys()].sort((a, b) => a - b).flatMap((page) => known.get(page) ?? []);
  }

  /** The wanted entries of those pages that the cache has. */
  async #cached(request: PageRequest): Promise<Map<number, readonly StoredEntry[]>> {
    const { from, to, open } = request;
    const pages = Array.from({ length: pageOf(to) - pageOf(from) + 1 }, (_, at) => pageOf(from) + at);
    const found = await this.#inTime(pages.map((page) => this.#key(request, page)));
    const known = new Map<number, readonly StoredEntry[]>();
    for (const [at, page] of pages.entries()) {
      const bytes = found[at];
      if (bytes === undefined) continue;
      try {
        const wanted = decodePage(bytes, page)?.filter(({ seq }) => seq >= from && seq <= to);
        if (wanted !== undefined) known.set(page, wanted.map(open));
        else this.#isUnsound(request.convId, page);
      } catch (error) {
        if (!(error instanceof StoreError || error instanceof RangeError)) throw error;
        this.#isUnsound(request.convId, page);
      }
    }
    return known;
  }

  async #inTime(keys: readonly PageKey[]): Promise<readonly (Uint8Array | undefined)[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<readonly undefined[]>((resolve) => {
      timer = setTimeout(() => resolve([]), cacheWithinMs);
    });
    try {
      return await Promise.race([this.#parts.cache.get(keys), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Nobody waits for it. */
  #keep(request: PageRequest, rows: readonly SealedRow[], pages: readonly number[]): void {
    const { cache } = this.#parts;
    const whole = pages.flatMap((page) => {
      const own = rows.filter(({ seq }) => pageOf(seq) === page);
      return own.length === pageRows ? [{ key: this.#key(request, page), rows: encodePage(own) }] : [];
    });
    if (whole.length > 0) void cache.put(whole);
  }

  #key({ convId, asOf }: PageRequest, page: number): PageKey {
    return { epoch: this.#parts.epoch(), convId, page, projectedSeq: asOf };
  }

  #isUnsound(convId: ConvId, page: number): void {
    this.unsound += 1;
    if (this.unsound > toldAtMost) return;
    const fields = { 'event.action': 'page-unsound', 'parley.conv_id': convId, 'parley.page': page };
    this.#parts.log.warn('a page of history in the shared cache is not what it says', fields);
  }
}
