import { committedEvents, encodeCommittedEvent } from '../../codec/committed-event.ts';
import { isDirect } from '../../core/conv-id.ts';
import type { ConvId, Seq } from '../../core/ids.ts';
import type { Span } from '../../core/span.ts';
import type { LogEvent } from '../../ports/event-log.ts';
import type { MessageStore, StoredEntry } from '../../ports/message-store.ts';
import type { OutboxRow } from '../../ports/outbox.ts';
import { committedEntry } from '../committed-entries.ts';
import type { RelayBatch } from './relay-queue.ts';

const entriesAtOnce = 1_000;
/** What a batch takes besides its events. */
export const batchOverheadBytes = 128;

/** The events that tell of consecutive entries of a conversation; `spans` are those of sampled ones, by seq. */
export function eventsOf(
  convId: ConvId,
  entries: readonly StoredEntry[],
  spans?: ReadonlyMap<Seq, Span>,
): LogEvent[] {
  const committed = entries.map((entry) => committedEntry(entry, spans?.get(entry.seq)?.context));
  const events = committedEvents(convId, isDirect(convId), committed);
  return events.map((event) => ({ convId, value: encodeCommittedEvent(event) }));
}

export function sizeOf(events: readonly LogEvent[]): number {
  return events.reduce((sum, { value }) => sum + value.byteLength, batchOverheadBytes);
}

/**
 * What a row of the outbox refers to, as events of the log. Entries that are not there any more are not told of. Rejects
 * with the store's StoreError.
 */
export async function readRow(store: Pick<MessageStore, 'range'>, row: OutboxRow): Promise<RelayBatch> {
  const events: LogEvent[] = [];
  for (const { convNo, convId, firstSeq, lastSeq } of row.spans) {
    for (let from = firstSeq; from <= lastSeq; from += entriesAtOnce) {
      const to = Math.min(from + entriesAtOnce - 1, lastSeq);
      const entries = await store.range(convNo, from, to, to - from + 1, false);
      if (entries.length > 0) events.push(...eventsOf(convId, entries));
    }
  }
  return { batchId: row.batchId, events, bytes: sizeOf(events) };
}
