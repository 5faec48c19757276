import { LRUCache } from 'lru-cache';
import type { Seq } from '../core/ids.ts';
import type { LogEntry } from '../peer/edge-frames.ts';
import type { MessageStore } from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';
import { toLogEntry } from './fan-out.ts';

/** Entries of a block: those with seq 1–50, 51–100 and so on, as stores keep pages of them. */
const blockEntries = 50;
/** Blocks that are read at once, at most. */
const readAtOnce = 10;
/** Fewer entries than this, of a block that is not here, are read as they are. */
const leastEntries = 10;

const blockOf = (seq: Seq): number => Math.floor((seq - 1) / blockEntries);
const firstOf = (block: number): Seq => block * blockEntries + 1;
const lastOf = (block: number): Seq => firstOf(block + 1) - 1;

/**
 * The log in blocks that are read once for all who ask. When an edge is lost, its clients come back at once and ask for
 * the same entries, each from another seq on.
 */
export class LogBlocks {
  readonly #store: Pick<MessageStore, 'range'>;
  readonly #blocks: LRUCache<string, readonly LogEntry[]>;
  /** By the name of each block that is being read. */
  readonly #reading = new Map<string, Promise<readonly LogEntry[]>>();
  #generation = 0;

  constructor({ store, maxBytes }: { store: Pick<MessageStore, 'range'>; maxBytes: number }) {
    this.#store = store;
    this.#blocks = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (entries) => entries.reduce((sum, entry) => sum + entry.content.length + 300, 64),
    });
  }

  /** The store was restored: what was read before is void. */
  clear(): void {
    this.#generation += 1;
    this.#blocks.clear();
    this.#reading.clear();
  }

  /** The entries from … to, which must be in the log. Rejects as the store does. */
  async entries(conversation: Conversation, from: Seq, to: Seq): Promise<readonly LogEntry[]> {
    const { convId, head, recent } = conversation;
    const parts: Promise<readonly LogEntry[]>[] = [];
    const few = to - from + 1 < leastEntries;
    let missing: Run | undefined;
    const readMissing = (): void => {
      if (missing !== undefined) parts.push(this.#read(conversation, missing));
      missing = undefined;
    };
    for (let block = blockOf(from); block <= blockOf(to); block += 1) {
      const [first, last] = [Math.max(from, firstOf(block)), Math.min(to, lastOf(block))];
      const known = conversation.void ? undefined : this.#known(nameOf(conversation, block));
      const held = known === undefined ? recent.range(first, last) : undefined;
      if (known === undefined && held === undefined) {
        const isWhole = !few && lastOf(block) <= head.seq;
        missing ??= { first: isWhole ? firstOf(block) : first, last, from: first, to: last };
        missing.last = isWhole ? lastOf(block) : last;
        missing.to = last;
        if (missing.last - missing.first + 1 >= readAtOnce * blockEntries) readMissing();
        continue;
      }
      readMissing();
      parts.push(
        known === undefined
          ? Promise.resolve((held ?? []).map((entry) => toLogEntry(convId, entry)))
          : Promise.resolve(known).then(within(first, last)),
      );
    }
    readMissing();
    return (await Promise.all(parts)).flat();
  }

  #known(name: string): readonly LogEntry[] | Promise<readonly LogEntry[]> | undefined {
    return this.#blocks.get(name) ?? this.#reading.get(name);
  }

  /** Reads what is missing; the whole blocks in it are there for others, too. */
  async #read(conversation: Conversation, { first, last, from, to }: Run): Promise<readonly LogEntry[]> {
    const { convId, convNo, projectedSeq } = conversation;
    if (convNo === undefined) return [];
    const generation = this.#generation;
    const read = this.#store
      .range(convNo, first, last, last - first + 1, false, projectedSeq)
      .then((stored) => stored.map((entry) => toLogEntry(convId, entry)));
    const names: { readonly block: number; readonly name: string }[] = [];
    for (let block = blockOf(first); block <= blockOf(last); block += 1)
      if (firstOf(block) >= first && lastOf(block) <= last)
        names.push({ block, name: nameOf(conversation, block) });
    if (!conversation.void)
      for (const { block, name } of names) {
        const part = read.then(within(firstOf(block), lastOf(block)));
        // Whoever waits for it hears of its failure.
        part.catch(() => {});
        this.#reading.set(name, part);
      }
    try {
      const entries = await read;
      if (generation === this.#generation && !conversation.void)
        for (const { block, name } of names)
          this.#blocks.set(name, within(firstOf(block), lastOf(block))(entries));
      return within(from, to)(entries);
    } finally {
      if (generation === this.#generation) for (const { name } of names) this.#reading.delete(name);
    }
  }
}

/** What is read in one go: first … last, of which from … to are wanted. */
interface Run {
  first: Seq;
  last: Seq;
  from: Seq;
  to: Seq;
}

/**
 * A block as of the last change of an earlier entry: after the next one, also one that is committed while it is read, it
 * has another name.
 */
function nameOf({ convId, projectedSeq }: Conversation, block: number): string {
  return `${block}@${projectedSeq}:${convId}`;
}

function within(first: Seq, last: Seq): (entries: readonly LogEntry[]) => readonly LogEntry[] {
  return (entries) => entries.filter(({ seq }) => seq >= first && seq <= last);
}
