import type { ByteString } from '../core/byte-string.ts';
import { type Frame, LongFrame } from '../core/frame.ts';
import { type EntryHeader, measure, putEntry } from './entry.ts';
import { numberFieldSize, putNumberField, putStringField, stringFieldSize } from './field.ts';
import { take } from './slab.ts';
import { utf8Size } from './utf8.ts';
import { halves, putVarint, varintSize } from './writer.ts';

/** Fragment with a live entry. */
export function entryFragment(header: EntryHeader, content: ByteString): Uint8Array {
  const entry = measure(header);
  const entrySize = entry.size + content.length;
  const eventSize = 1 + varintSize(entrySize) + entrySize;
  const bytes = take(1 + varintSize(eventSize) + eventSize);
  bytes[0] = 0x0a; // ConnectResponse.events
  let at = putVarint(bytes, 1, eventSize);
  bytes[at] = 0x2a; // Event.entry
  at = putVarint(bytes, at + 1, entrySize);
  putEntry(bytes, at, entry, content);
  return bytes;
}

/** An entry as links and stores carry it: the header, and the content encoded. */
export type EntryWithContent = EntryHeader & { readonly content: ByteString };

/** Encoded lists of this size and more are shared by the fragments that have them. */
const longBytes = 4 * 1024;
/** Lists shorter than this are not worth remembering. */
const rememberFrom = 8;
const remembered = new WeakMap<readonly EntryWithContent[], Uint8Array>();

/**
 * Fragment with a page of history, answering `list` or `get`. Each entry's conv_id is written, like that of the page.
 * Whoever hands over the same list of entries again, as caches of pages do, has it encoded once: it must not change.
 */
export function entriesFragment(
  replyTo: number,
  page: { convId: string; entries: readonly EntryWithContent[]; headSeq: number; more: boolean },
): Frame {
  const convIdSize = utf8Size(page.convId);
  const headSeq = halves(page.headSeq);
  const entries = repeatedEntries(page.entries);
  const ownSize = stringFieldSize(convIdSize) + numberFieldSize(headSeq) + (page.more ? 2 : 0);
  const pageSize = ownSize + entries.byteLength;
  const replySize = replyTo === 0 ? 0 : 1 + varintSize(replyTo);
  const eventSize = replySize + 1 + varintSize(pageSize) + pageSize;
  const size = 1 + varintSize(eventSize) + eventSize;
  const isLong = entries.byteLength >= longBytes;

  const bytes = take(isLong ? size - entries.byteLength : size);
  bytes[0] = 0x0a; // ConnectResponse.events
  let at = putVarint(bytes, 1, eventSize);
  if (replyTo !== 0) {
    bytes[at] = 0x08; // Event.reply_to
    at = putVarint(bytes, at + 1, replyTo);
  }
  bytes[at] = 0x32; // Event.entries
  at = putVarint(bytes, at + 1, pageSize);
  at = putStringField(bytes, at, 0x0a, page.convId, convIdSize);
  at = putNumberField(bytes, at, 0x18, headSeq);
  if (page.more) {
    bytes[at] = 0x20;
    bytes[at + 1] = 1;
    at += 2;
  }
  // Last, so that they can be shared; the order of fields is free.
  if (isLong) return new LongFrame(bytes, entries);
  bytes.set(entries, at);
  return bytes;
}

/** The field `entries` of a page. */
function repeatedEntries(entries: readonly EntryWithContent[]): Uint8Array {
  if (entries.length < rememberFrom) return encodeEntries(entries);
  let encoded = remembered.get(entries);
  if (encoded === undefined) {
    // In memory of its own: it is kept, and must not keep a slab.
    encoded = encodeEntries(entries).slice();
    remembered.set(entries, encoded);
  }
  return encoded;
}

function encodeEntries(entries: readonly EntryWithContent[]): Uint8Array {
  const measured = entries.map((entry) => measure(entry));
  const sizeOf = (i: number): number => measured[i]!.size + entries[i]!.content.length;
  let length = 0;
  for (let i = 0; i < entries.length; i++) length += 1 + varintSize(sizeOf(i)) + sizeOf(i);
  const bytes = take(length);
  let at = 0;
  for (let i = 0; i < entries.length; i++) {
    bytes[at] = 0x12; // Entries.entries
    at = putVarint(bytes, at + 1, sizeOf(i));
    at = putEntry(bytes, at, measured[i]!, entries[i]!.content);
  }
  return bytes;
}
