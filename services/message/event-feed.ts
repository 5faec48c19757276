import type { ConvId, Seq } from '../core/ids.ts';
import type { Span } from '../core/span.ts';
import type { Tracer } from '../core/tracer.ts';
import type { LogEvent } from '../ports/event-log.ts';
import type { StoredEntry } from '../ports/message-store.ts';
import type { TracedEntries } from './batch-trace.ts';
import type { Relay } from './relay/relay.ts';
import { eventsOf } from './relay/row-events.ts';

/** Gathers what a batch committed and hands it to the relay at once: one append a batch. */
export class EventFeed {
  readonly #relay: Pick<Relay, 'committed' | 'uncertain' | 'publishes'>;
  readonly #tracer: Tracer | undefined;
  #events: LogEvent[] = [];
  /** Of sampled entries: each until its event is in the log. */
  #spans: Span[] | undefined;

  constructor(relay: Pick<Relay, 'committed' | 'uncertain' | 'publishes'>, tracer?: Tracer) {
    this.#relay = relay;
    this.#tracer = tracer;
  }

  committed(convId: ConvId, entries: readonly StoredEntry[], traced?: TracedEntries): void {
    if (!this.#relay.publishes) return;
    const spans = traced === undefined ? undefined : this.#begin(traced);
    this.#events.push(...eventsOf(convId, entries, spans));
  }

  /** The batch is complete. */
  batch(batchId: bigint): void {
    const [events, spans] = [this.#events, this.#spans];
    this.#events = [];
    this.#spans = undefined;
    this.#relay.committed(batchId, events, spans);
  }

  /** Nobody knows whether the batch was committed, and nobody will say. */
  uncertain(batchId: bigint): void {
    this.#relay.uncertain(batchId);
  }

  #begin(traced: TracedEntries): ReadonlyMap<Seq, Span> {
    const spans = new Map<Seq, Span>();
    for (const [seq, { context: parent }] of traced) {
      const span = this.#tracer?.start('event publish', { kind: 'producer', parent });
      if (span !== undefined) spans.set(seq, span);
    }
    this.#spans ??= [];
    this.#spans.push(...spans.values());
    return spans;
  }
}
