import type { ConvId } from '../core/ids.ts';
import type { LogEvent } from '../ports/event-log.ts';
import type { StoredEntry } from '../ports/message-store.ts';
import type { Relay } from './relay/relay.ts';
import { eventsOf } from './relay/row-events.ts';

/** Gathers what a batch committed and hands it to the relay at once: one append a batch. */
export class EventFeed {
  readonly #relay: Pick<Relay, 'committed' | 'uncertain' | 'publishes'>;
  #events: LogEvent[] = [];

  constructor(relay: Pick<Relay, 'committed' | 'uncertain' | 'publishes'>) {
    this.#relay = relay;
  }

  committed(convId: ConvId, entries: readonly StoredEntry[]): void {
    if (this.#relay.publishes) this.#events.push(...eventsOf(convId, entries));
  }

  /** The batch is complete. */
  batch(batchId: bigint): void {
    const events = this.#events;
    this.#events = [];
    this.#relay.committed(batchId, events);
  }

  /** Nobody knows whether the batch was committed, and nobody will say. */
  uncertain(batchId: bigint): void {
    this.#relay.uncertain(batchId);
  }
}
