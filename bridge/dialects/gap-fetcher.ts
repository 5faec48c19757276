/** A page to ask for: at most `limit` entries of a conversation from a seq on. */
export interface PageWish {
  readonly convId: string;
  readonly fromSeq: number;
  readonly limit: number;
}

/** A range to fetch, both ends inclusive. */
interface Gap {
  from: number;
  to: number;
  /** Whether the last page asked for was refused. */
  refused: boolean;
}

const pageSize = 100;

/**
 * Fetches what a plain session missed, one page at a time. While a conversation's gap is open its live entries wait in
 * the log rather than in memory: the gap grows over them, so the socket gets everything in order.
 */
export class GapFetcher {
  /** By conversation; the refused ones in the order of their refusals. */
  readonly #gaps = new Map<string, Gap>();
  #inFlight: string | undefined;

  get size(): number {
    return this.#gaps.size;
  }

  /** The range is to be fetched. */
  open(convId: string, from: number, to: number): void {
    const gap = this.#gaps.get(convId);
    if (gap === undefined) {
      this.#gaps.set(convId, { from, to, refused: false });
      return;
    }
    // The page under way began at `from`: an earlier start is announced again if it still matters.
    if (this.#inFlight !== convId) gap.from = Math.min(gap.from, from);
    gap.to = Math.max(gap.to, to);
  }

  /** Whether a live entry is behind an open gap; the gap then covers it. */
  covers(convId: string, seq: number): boolean {
    const gap = this.#gaps.get(convId);
    if (gap === undefined || seq < gap.from) return false;
    gap.to = Math.max(gap.to, seq);
    return true;
  }

  /** The next page to ask for, unless one is under way. What is refused again and again is not in others' way. */
  next(): PageWish | undefined {
    if (this.#inFlight !== undefined) return undefined;
    let first: string | undefined;
    for (const [convId, { refused }] of this.#gaps) {
      first ??= convId;
      if (!refused) return this.#page(convId);
    }
    return first === undefined ? undefined : this.#page(first);
  }

  /** The page under way was answered, up to `lastSeq`; 0 when there was nothing. */
  answered(lastSeq: number): void {
    const convId = this.#inFlight as string;
    const gap = this.#gaps.get(convId);
    this.#inFlight = undefined;
    if (gap === undefined) return;
    if (lastSeq >= gap.to || lastSeq < gap.from) this.#gaps.delete(convId);
    else {
      gap.from = lastSeq + 1;
      gap.refused = false;
    }
  }

  /** The page under way was refused. A gap that may be fetched later stays open: call `next` again after a while. */
  refused(later: boolean): void {
    const convId = this.#inFlight as string;
    const gap = this.#gaps.get(convId);
    this.#inFlight = undefined;
    if (gap === undefined) return;
    this.#gaps.delete(convId);
    if (later) this.#gaps.set(convId, { ...gap, refused: true });
  }

  #page(convId: string): PageWish {
    const { from, to } = this.#gaps.get(convId) as Gap;
    this.#inFlight = convId;
    return { convId, fromSeq: from, limit: Math.min(pageSize, to - from + 1) };
  }
}
