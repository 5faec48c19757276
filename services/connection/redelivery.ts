import type { Clock } from '../core/clock.ts';
import type { Seq } from '../core/ids.ts';
import type { Delivery } from './delivery.ts';
import type { Room } from './room.ts';

export interface RedeliveryHost {
  readonly clock: Clock;
  readonly afterMs: number;
  announce(delivery: Delivery, from: Seq, to: Seq): void;
  giveUp(delivery: Delivery): void;
}

const maxAnnouncements = 3;

/** Looks through the rooms in turn for what was pushed and not acknowledged in time. */
export class Redelivery {
  readonly #active: Set<Room>;
  readonly #host: RedeliveryHost;
  /** The rooms of this round, as they were when it began, and how many had their turn. */
  #round: readonly Room[] = [];
  #looked = 0;

  constructor(active: Set<Room>, host: RedeliveryHost) {
    this.#active = active;
    this.#host = host;
  }

  /**
   * Looks through the next part of the rooms, from above 0 to 1: with many of them, all at once would take too long. Rooms
   * that become active have their turn in the next round: busy ones do so all the time, and a round that took them in
   * would have no end.
   */
  step(part: number): void {
    if (this.#looked === this.#round.length) {
      this.#round = [...this.#active];
      this.#looked = 0;
    }
    const nowMs = this.#host.clock.monotonicMs();
    const next = this.#round.slice(this.#looked, this.#looked + Math.ceil(this.#round.length * part));
    this.#looked += next.length;
    for (const room of next) if (this.#active.has(room)) this.#look(room, nowMs);
  }

  #look(room: Room, nowMs: number): void {
    const { afterMs } = this.#host;
    const owing = room.deliveries.filter((delivery) => delivery.owes);
    if (owing.length === 0) {
      room.forgetMarks();
      if (!room.waiting) this.#active.delete(room);
      return;
    }
    const dueSeq = room.mark(nowMs, nowMs - afterMs);
    for (const delivery of owing) {
      const from = Math.max(delivery.ackedSeq + 1, delivery.firstSeq);
      const to = Math.min(dueSeq, delivery.sentSeq);
      if (from > to || nowMs - delivery.announcedAtMs < afterMs) continue;
      // One that reads nothing can't be told; it is closed for that.
      if (delivery.session.pausedAtMs > 0) continue;
      if (delivery.announcements >= maxAnnouncements) {
        this.#host.giveUp(delivery);
        continue;
      }
      delivery.announcements += 1;
      delivery.announcedAtMs = nowMs;
      this.#host.announce(delivery, from, to);
    }
  }
}
