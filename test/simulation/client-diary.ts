import type { ClientEvent } from '../checker/log.ts';

/** What a client saw, and where a log ended when it was told by a sync. */
export type TimelineEvent =
  | ClientEvent
  | { readonly t: 'synced'; readonly convId: string; readonly headSeq: number };

/** What a client did and saw, in its order. */
export class ClientDiary {
  /** Of the present epoch; what was sent is there from all epochs, since it may be in the log. */
  readonly events: ClientEvent[] = [];
  /** Of epochs that are over. */
  readonly former: ClientEvent[] = [];
  /** Where logs ended when a sync was answered, each with the number of events before it. */
  #syncs: { readonly at: number; readonly convId: string; readonly headSeq: number }[] = [];

  synced(convId: string, headSeq: number): void {
    this.#syncs.push({ at: this.events.length, convId, headSeq });
  }

  /** What was seen until now says nothing of the log any more: the store was restored. */
  startOver(): void {
    const sends = this.events.filter(({ t }) => t === 'send');
    this.former.push(...this.events.splice(0).filter(({ t }) => t !== 'send'));
    this.events.push(...sends);
    this.#syncs = [];
  }

  /** What was seen, with what was told by syncs. */
  get timeline(): TimelineEvent[] {
    const timeline: TimelineEvent[] = [];
    let next = 0;
    for (const [at, event] of this.events.entries()) {
      for (let sync = this.#syncs[next]; sync !== undefined && sync.at <= at; sync = this.#syncs[next]) {
        timeline.push({ t: 'synced', convId: sync.convId, headSeq: sync.headSeq });
        next += 1;
      }
      timeline.push(event);
    }
    return timeline;
  }
}
