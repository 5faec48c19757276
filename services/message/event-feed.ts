import { committedEvents, encodeCommittedEvent } from '../codec/committed-event.ts';
import { isDirect } from '../core/conv-id.ts';
import type { ConvId } from '../core/ids.ts';
import type { LogEvent } from '../ports/event-log.ts';
import type { StoredEntry } from '../ports/message-store.ts';
import { committedEntry } from './committed-entries.ts';
import type { Relay } from './relay/relay.ts';

/** Gathers what a batch committed and hands it to the relay at once: one append a batch. */
export class EventFeed {
  readonly #relay: Pick<Relay, 'committed'>;
  #events: LogEvent[] = [];

  constructor(relay: Pick<Relay, 'committed'>) {
    this.#relay = relay;
  }

  committed(convId: ConvId, entries: readonly StoredEntry[]): void {
    for (const event of committedEvents(convId, isDirect(convId), entries.map(committedEntry))) {
      this.#events.push({ convId, value: encodeCommittedEvent(event) });
    }
  }

  /** The batch is complete. */
  batch(batchId: bigint): void {
    const events = this.#events;
    this.#events = [];
    if (events.length > 0) this.#relay.committed(batchId, events);
  }
}
