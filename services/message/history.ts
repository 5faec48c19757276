import { LRUCache } from 'lru-cache';
import { Fault } from '../core/fault.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { LogEntry, Result } from '../peer/edge-frames.ts';
import type { MessageStore, StoredEntry } from '../ports/message-store.ts';
import { hiddenContent } from './contents.ts';
import type { Conversation } from './conversation.ts';
import { toLogEntry } from './fan-out.ts';
import { LogBlocks } from './log-blocks.ts';
import { notFoundFault, strangerFault } from './stranger-fault.ts';

export interface PageRequest {
  readonly fromSeq: Seq;
  readonly limit: number;
  readonly backward: boolean;
}

type Page = Extract<Result, { t: 'page' }>;

/** A page with more than this has fewer entries than were asked for, so that no frame is endless. */
const maxPageBytes = 512 * 1024;

/** Pages of history, and single entries: from the newest entries held, from what was read before, or from the store. */
export class History {
  readonly #store: MessageStore;
  readonly #pages: LRUCache<string, readonly LogEntry[]>;
  readonly #blocks: LogBlocks;
  #generation = 0;

  /** `pageBytes`: held, at most; half of them as pages that were asked for, half as the blocks that pages are made of. */
  constructor({ store, pageBytes }: { store: MessageStore; pageBytes: number }) {
    this.#store = store;
    this.#blocks = new LogBlocks({ store, maxBytes: Math.ceil(pageBytes / 2) });
    this.#pages = new LRUCache({
      maxSize: Math.ceil(pageBytes / 2),
      // Each list is remembered encoded, too.
      sizeCalculation: (entries) => entries.reduce((sum, entry) => sum + 2 * entry.content.length + 300, 64),
    });
  }

  /** The asked page as the reader may see it. A page's array is the same object as long as the page is the same. */
  async page(conversation: Conversation, reader: UserId, request: PageRequest): Promise<Page> {
    const range = readable(conversation, reader);
    const { backward, limit } = request;
    const { convId } = conversation;
    if (range.last < range.first) return { t: 'page', convId, entries: [], headSeq: range.last, more: false };
    let from: Seq;
    let to: Seq;
    if (backward) {
      to = request.fromSeq === 0 ? range.last : Math.min(request.fromSeq, range.last);
      from = Math.max(to - limit + 1, 1);
    } else {
      from = Math.max(request.fromSeq, 1);
      to = Math.min(from + limit - 1, range.last);
    }
    const visibleFrom = Math.max(from, range.first);
    const all = visibleFrom <= to ? await this.entries(conversation, visibleFrom, to) : [];
    const seen = withinBytes(all, maxPageBytes, backward);
    const isCut = seen.length < all.length;
    // What lies before the reader's time is one entry that says so, whatever the page's borders.
    const hides = from < range.first && !(backward && isCut);
    const entries = hides ? [hiddenEntry(conversation.convId, range.first - 1), ...seen] : seen;
    const more = isCut || (backward ? from > range.first : to < range.last);
    return { t: 'page', convId, entries, headSeq: range.last, more };
  }

  /** The store was restored: what was read before is void. */
  clear(): void {
    this.#generation += 1;
    this.#pages.clear();
    this.#blocks.clear();
  }

  /** One entry. */
  async one(conversation: Conversation, reader: UserId, seq: Seq): Promise<LogEntry> {
    const range = readable(conversation, reader);
    if (seq < range.first || seq > range.last)
      throw new Fault('entryNotFound', { message: 'there is no such entry' });
    const [entry] = await this.entries(conversation, seq, seq);
    if (entry === undefined) throw new Fault('entryNotFound', { message: 'there is no such entry' });
    return entry;
  }

  /** All entries from … to, which must be in the log; no rights are checked. At most 1,000. */
  async entries(conversation: Conversation, from: Seq, to: Seq): Promise<readonly LogEntry[]> {
    const { convId, convNo, projectedSeq } = conversation;
    if (convNo === undefined || from > to) return [];
    const key = `${from}-${to}@${projectedSeq}:${convId}`;
    const known = conversation.void ? undefined : this.#pages.get(key);
    if (known !== undefined) return known;
    const generation = this.#generation;
    const held = conversation.recent.range(from, to);
    const entries =
      held?.map((entry) => toLogEntry(convId, entry)) ?? (await this.#blocks.entries(conversation, from, to));
    // A recall that was committed while the store read may have changed an entry, and who began before a restore may ask for
    // what is not there any more, or not yet again: such a page is served, not kept.
    const isWhole = entries.length === to - from + 1 && generation === this.#generation;
    if (isWhole && conversation.projectedSeq === projectedSeq && !conversation.void)
      this.#pages.set(key, entries);
    return entries;
  }

  /** The entries as stored, for forwarding them again. */
  async stored(conversation: Conversation, from: Seq, to: Seq): Promise<readonly StoredEntry[]> {
    const held = conversation.recent.range(from, to);
    if (held !== undefined || conversation.convNo === undefined) return held ?? [];
    return this.#store.range(conversation.convNo, from, to, Math.min(to - from + 1, 1_000), false);
  }

  /** How many of the entries up to seq are messages. */
  async ordAt(conversation: Conversation, seq: Seq): Promise<number> {
    if (seq === conversation.head.seq) return conversation.head.ord;
    const [entry] = await this.entries(conversation, seq, seq);
    return entry?.ord ?? 0;
  }
}

/** The first entries that have at most so many bytes, or the last ones; always one at least. */
export function withinBytes(
  entries: readonly LogEntry[],
  maxBytes: number,
  backward: boolean,
): readonly LogEntry[] {
  let bytes = 0;
  for (let count = 0; count < entries.length; count += 1) {
    const entry = entries.at(backward ? -1 - count : count) as LogEntry;
    bytes += entry.content.length + 160;
    if (bytes > maxBytes && count > 0) return backward ? entries.slice(-count) : entries.slice(0, count);
  }
  return entries;
}

export function readable(
  conversation: Conversation,
  reader: UserId,
): { readonly first: Seq; readonly last: Seq } {
  if (!conversation.exists) throw notFoundFault();
  const range = conversation.visibleRange(reader);
  if (range === undefined) throw strangerFault(conversation.convId);
  return range;
}

function hiddenEntry(convId: ConvId, throughSeq: Seq): LogEntry {
  const content = hiddenContent(throughSeq);
  return { convId, seq: 1, msgId: 0n, sender: '', createdAtMs: 0, ord: 0, revision: 0, content };
}
