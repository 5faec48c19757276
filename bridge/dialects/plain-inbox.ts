import type { PlainEvent } from './plain-delivery.ts';

const maxHeld = 4_096;

export interface PlainInboxInit {
  /** The conversation whose peer must be looked up before the event can be shown. */
  readonly needs: (event: PlainEvent) => string | undefined;
  /** Looks a peer up; resolves when it is known, or known to be out of reach. */
  readonly lookUp: (convId: string) => Promise<void>;
  readonly show: (events: readonly PlainEvent[]) => void;
  /** More is waiting behind a look-up than there is room for. */
  readonly overflow: () => void;
}

/** Keeps the order of events while one of them waits for a look-up. */
export class PlainInbox {
  readonly #init: PlainInboxInit;
  #held: PlainEvent[] | undefined;
  #closed = false;

  constructor(init: PlainInboxInit) {
    this.#init = init;
  }

  take(events: readonly PlainEvent[]): void {
    if (this.#held === undefined) this.#pass(events);
    else if (this.#held.length + events.length > maxHeld) this.#init.overflow();
    else this.#held.push(...events);
  }

  close(): void {
    this.#closed = true;
    this.#held = undefined;
  }

  #pass(events: readonly PlainEvent[]): void {
    for (let i = 0; i < events.length; i += 1) {
      const convId = this.#init.needs(events[i] as PlainEvent);
      if (convId === undefined) continue;
      this.#held = events.slice(i);
      if (i > 0) this.#init.show(events.slice(0, i));
      void this.#wait(convId);
      return;
    }
    this.#init.show(events);
  }

  async #wait(convId: string): Promise<void> {
    await this.#init.lookUp(convId);
    const held = this.#held;
    if (this.#closed || held === undefined) return;
    this.#held = undefined;
    this.#pass(held);
  }
}
