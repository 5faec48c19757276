import { type EntryHeader, measure, putEntry } from './entry.ts';
import { numberFieldSize, putNumberField, putStringField, stringFieldSize } from './field.ts';
import { take } from './slab.ts';
import { utf8Size } from './utf8.ts';
import { halves, putVarint, varintSize } from './writer.ts';

/** Fragment with a live entry. */
export function entryFragment(header: EntryHeader, content: Uint8Array): Uint8Array {
  const entry = measure(header);
  const entrySize = entry.size + content.byteLength;
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
export type EntryWithContent = EntryHeader & { readonly content: Uint8Array };

/** Fragment with a page of history, answering `list` or `get`. Each entry's conv_id is written, like that of the page. */
export function entriesFragment(
  replyTo: number,
  page: { convId: string; entries: readonly EntryWithContent[]; headSeq: number; more: boolean },
): Uint8Array {
  const convIdSize = utf8Size(page.convId);
  const headSeq = halves(page.headSeq);
  const measured = page.entries.map((entry) => measure(entry));
  let pageSize = stringFieldSize(convIdSize) + numberFieldSize(headSeq) + (page.more ? 2 : 0);
  for (const [i, entry] of measured.entries()) {
    const size = entry.size + page.entries[i]!.content.byteLength;
    pageSize += 1 + varintSize(size) + size;
  }
  const replySize = replyTo === 0 ? 0 : 1 + varintSize(replyTo);
  const eventSize = replySize + 1 + varintSize(pageSize) + pageSize;

  const bytes = take(1 + varintSize(eventSize) + eventSize);
  bytes[0] = 0x0a; // ConnectResponse.events
  let at = putVarint(bytes, 1, eventSize);
  if (replyTo !== 0) {
    bytes[at] = 0x08; // Event.reply_to
    at = putVarint(bytes, at + 1, replyTo);
  }
  bytes[at] = 0x32; // Event.entries
  at = putVarint(bytes, at + 1, pageSize);
  at = putStringField(bytes, at, 0x0a, page.convId, convIdSize);
  for (const [i, entry] of measured.entries()) {
    const { content } = page.entries[i]!;
    bytes[at] = 0x12;
    at = putVarint(bytes, at + 1, entry.size + content.byteLength);
    at = putEntry(bytes, at, entry, content);
  }
  at = putNumberField(bytes, at, 0x18, headSeq);
  if (page.more) {
    bytes[at] = 0x20;
    bytes[at + 1] = 1;
  }
  return bytes;
}
