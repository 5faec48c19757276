/** What a plain session was given of one conversation and what it still owes an ack for. */
interface Place {
  /** Highest seq that came, of whatever kind. */
  last: number;
  /** All up to here was acknowledged to the connection node. */
  acked: number;
  /** Messages that the client has yet to acknowledge, ascending. Empty while flushing counts as delivery. */
  owed: { readonly seq: number; readonly msgId: bigint }[];
}

export interface AckedPlace {
  readonly convId: string;
  readonly seq: number;
}

/**
 * Decides what a plain session acknowledges. At first whatever was flushed counts as delivered; from the client's first
 * ack on, messages wait for theirs. Entries that plain sockets are not shown count as soon as every message before
 * them does. Conversations in which nothing is owed take no memory.
 */
export class DeliveryTracker {
  readonly #places = new Map<string, Place>();
  /** Where an unacknowledged message stands, by its id. */
  readonly #byId = new Map<bigint, AckedPlace>();
  #explicit = false;

  /** Messages that the client owes an ack for. */
  get owed(): number {
    return this.#byId.size;
  }

  /** An entry was written to the socket, or passed over because plain sockets are not shown its kind. */
  note(convId: string, seq: number, shownAs: bigint | undefined): void {
    const place = this.#place(convId);
    if (seq > place.last) place.last = seq;
    if (!this.#explicit || shownAs === undefined || this.#byId.has(shownAs)) return;
    this.#byId.set(shownAs, { convId, seq });
    const after = place.owed.findLastIndex((owed) => owed.seq < seq);
    place.owed.splice(after + 1, 0, { seq, msgId: shownAs });
  }

  /** The client acknowledges everything up to a message. False when the message is not known here. */
  acknowledge(msgId: bigint): boolean {
    this.#explicit = true;
    const at = this.#byId.get(msgId);
    if (at === undefined) return false;
    const place = this.#place(at.convId);
    const rest = place.owed.findIndex((owed) => owed.seq > at.seq);
    const done = place.owed.splice(0, rest === -1 ? place.owed.length : rest);
    for (const { msgId: id } of done) this.#byId.delete(id);
    return true;
  }

  /** Up to `limit` acks that are due, and not handed out before. */
  take(limit: number): AckedPlace[] {
    const due: AckedPlace[] = [];
    for (const [convId, place] of this.#places) {
      if (due.length === limit) break;
      const first = place.owed[0];
      const seq = first === undefined ? place.last : first.seq - 1;
      if (seq > place.acked) {
        due.push({ convId, seq });
        place.acked = seq;
      }
      if (first === undefined) this.#places.delete(convId);
    }
    return due;
  }

  #place(convId: string): Place {
    let place = this.#places.get(convId);
    if (place === undefined) {
      place = { last: 0, acked: 0, owed: [] };
      this.#places.set(convId, place);
    }
    return place;
  }
}
