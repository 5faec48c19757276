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

/** Looks through rooms for what was pushed and not acknowledged in time. To be called every five seconds. */
export function redeliver(active: Set<Room>, host: RedeliveryHost): void {
  const nowMs = host.clock.monotonicMs();
  for (const room of active) {
    const dueSeq = mark(room, nowMs, host.afterMs);
    let owing = false;
    for (const delivery of [...room.deliveries]) {
      if (!delivery.owes) continue;
      owing = true;
      const from = Math.max(delivery.ackedSeq + 1, delivery.firstSeq);
      const to = Math.min(dueSeq, delivery.sentSeq);
      if (from > to || nowMs - delivery.announcedAtMs < host.afterMs) continue;
      // One that reads nothing can't be told; it is closed for that.
      if (delivery.session.pausedAtMs > 0) continue;
      if (delivery.announcements >= maxAnnouncements) {
        host.giveUp(delivery);
        continue;
      }
      delivery.announcements += 1;
      delivery.announcedAtMs = nowMs;
      host.announce(delivery, from, to);
    }
    if (!owing && !room.waiting) active.delete(room);
  }
}

/** Notes where the log stands, and says where it stood when what is due now was pushed. */
function mark(room: Room, nowMs: number, afterMs: number): Seq {
  const { marks } = room;
  let due = 0;
  while (marks[0] !== undefined && marks[0].atMs <= nowMs - afterMs)
    due = (marks.shift() as { seq: Seq }).seq;
  // The last one that is due stays: it is due the next time, too.
  if (due > 0) marks.unshift({ atMs: nowMs - afterMs, seq: due });
  marks.push({ atMs: nowMs, seq: room.last });
  return due;
}
