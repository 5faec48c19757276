import type { Seq } from '../core/ids.ts';
import type { Room } from './room.ts';
import type { Session } from './session.ts';

/** One session in one conversation: what is theirs, what was pushed, what was acknowledged. */
export class Delivery {
  readonly session: Session;
  readonly room: Room;
  /** The entries with firstSeq ≤ seq ≤ lastSeq are theirs; lastSeq 0 means no end. */
  firstSeq: Seq;
  lastSeq: Seq;
  /** What the log had when the session came: nobody asks it for an acknowledgement of that. */
  readonly enteredSeq: Seq;
  /** Last seq pushed, or announced as a gap. */
  sentSeq: Seq;
  ackedSeq: Seq;
  /** Bytes pushed and not acknowledged: exact when all or nothing is, else in proportion. */
  bytes = 0;
  /** How often what is missing was announced again, and when last. */
  announcements = 0;
  announcedAtMs = 0;
  /** Place in the room's list. */
  index = 0;

  /** `sentSeq`: what comes after it is still to be pushed. */
  constructor(parts: {
    readonly session: Session;
    readonly room: Room;
    readonly firstSeq: Seq;
    readonly lastSeq: Seq;
    readonly sentSeq: Seq;
  }) {
    this.session = parts.session;
    this.room = parts.room;
    this.firstSeq = parts.firstSeq;
    this.lastSeq = parts.lastSeq;
    this.enteredSeq = parts.sentSeq;
    this.sentSeq = parts.sentSeq;
    this.ackedSeq = parts.sentSeq;
  }

  /** The last of the room's entries that is theirs. */
  get end(): Seq {
    return this.lastSeq === 0 ? this.room.last : Math.min(this.lastSeq, this.room.last);
  }

  /** Whether others were given entries that are theirs, and they were not. */
  get missedFlush(): boolean {
    const { room, sentSeq, firstSeq } = this;
    return Math.max(sentSeq + 1, firstSeq) <= Math.min(room.flushedSeq, this.end);
  }

  /** Whether something that is theirs is not acknowledged. */
  get owes(): boolean {
    return this.ackedSeq < this.end && this.firstSeq <= this.end;
  }

  /** Takes an acknowledgement; returns the bytes that it frees. */
  acknowledge(seq: Seq): number {
    if (seq <= this.ackedSeq) return 0;
    const outstanding = this.sentSeq - this.ackedSeq;
    const share = seq >= this.sentSeq || outstanding <= 0 ? 1 : (seq - this.ackedSeq) / outstanding;
    const freed = Math.round(this.bytes * share);
    this.bytes -= freed;
    this.ackedSeq = seq;
    if (seq > this.sentSeq) this.sentSeq = seq;
    this.announcements = 0;
    return freed;
  }
}
