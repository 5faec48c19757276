import { fromBinary } from '@bufbuild/protobuf';
import { ConnectResponseSchema, type Event } from '../../../gen/parley/chat/v1/session_pb.ts';
import { messageContent } from '../../codec/frames.ts';
import type { ConvId, Seq, UserId } from '../../core/ids.ts';
import type { AudienceFrame, EdgeFrame, EntryFrame, LogEntry, OwnerFrame } from '../../peer/edge-frames.ts';
import { ConnectionMeters } from '../meters.ts';
import { Pushes } from '../pushes.ts';
import type { Audiences } from '../room.ts';
import { Session } from '../session.ts';
import { SessionBook } from '../session-book.ts';
import { TokenBucket } from '../../core/token-bucket.ts';

/** Time that stands still until a test turns it. */
export class StandingClock {
  nowMs = 1_000_000;
  readonly wallMs = () => this.nowMs;
  readonly monotonicMs = () => this.nowMs;
}

export const conv = 'garden' as ConvId;

export function logEntry(seq: Seq, convId: ConvId = conv): LogEntry {
  const content = messageContent(`c${seq}`, new Uint8Array([0x12, 1, 0x61]));
  return { convId, seq, msgId: BigInt(seq), sender: 'ada', createdAtMs: 1, ord: seq, revision: 0, content };
}

/** Pushes without nodes around them: what the owner says goes in, what sessions hear comes out. */
export class Stage {
  readonly clock = new StandingClock();
  readonly sessions = new SessionBook({ maxPerUser: 100 });
  readonly meters = new ConnectionMeters();
  readonly toOwner: EdgeFrame[] = [];
  readonly ended: { readonly session: Session; readonly reason: string }[] = [];
  /** Those that were over their window, each time that they were. */
  readonly heldBack: Session[] = [];
  readonly pushes: Pushes;
  /** How the owner calls its audiences. */
  readonly owner: Audiences = new Map();
  /** What audiences say of the entries to come. */
  nextSeq = 1;
  /** How often a flush was asked for. */
  dirty = 0;
  readonly #heard = new Map<Session, Event[]>();
  #last = 0;

  constructor({ windowBytes = 1_000_000, redeliverAfterMs = 30_000 } = {}) {
    const hear = (session: Session, encoded: Uint8Array): void =>
      void this.heard(session).push(...fromBinary(ConnectResponseSchema, encoded).events);
    this.pushes = new Pushes({
      clock: this.clock,
      sessions: this.sessions,
      meters: this.meters,
      windowBytes,
      redeliverAfterMs,
      queue: hear,
      queueLazily: hear,
      delivered: (items) => void this.toOwner.push({ t: 'delivered', items }),
      pull: (convId, fromSeq, toSeq) => void this.toOwner.push({ t: 'pull', convId, fromSeq, toSeq }),
      end: (session, fault) => {
        this.ended.push({ session, reason: fault.reason });
        this.close(session);
      },
      heldBack: (session) => void this.heldBack.push(session),
      dirty: () => {
        this.dirty += 1;
      },
    });
  }

  open(userId: string): Session {
    this.#last += 1;
    const nowMs = this.clock.monotonicMs();
    const session = new Session({
      no: this.#last,
      outlet: { deliver() {}, close() {} },
      doorSession: this.#last,
      info: { remoteAddress: '', transport: 'test' },
      nowMs,
      rate: new TokenBucket(1, 1, nowMs),
    });
    session.userId = userId as UserId;
    session.deviceId = `device ${this.#last}`;
    session.state = 'open';
    this.sessions.add(session);
    this.sessions.signIn(session);
    return session;
  }

  close(session: Session): void {
    session.state = 'closed';
    this.sessions.remove(session);
    this.pushes.rooms.leave(session);
  }

  heard(session: Session): Event[] {
    let events = this.#heard.get(session);
    if (events === undefined) {
      events = [];
      this.#heard.set(session, events);
    }
    return events;
  }

  /** What a session was pushed: seqs, and gaps as `from-to`. */
  told(session: Session): (number | string)[] {
    return this.heard(session).flatMap(({ event }): (number | string)[] => {
      if (event.case === 'entry') return [Number(event.value.seq)];
      return event.case === 'gap' ? [`${event.value.fromSeq}-${event.value.toSeq}`] : [];
    });
  }

  /** Whole where the edge knows of nobody yet, as an owner says it; a change else. */
  audience(
    users: Record<string, readonly [first: Seq, last: Seq]>,
    fields: Partial<AudienceFrame> = {},
  ): void {
    this.pushes.rooms.audience(this.owner, {
      t: 'audience',
      audience: 1,
      convId: conv,
      nextSeq: this.nextSeq,
      whole: this.pushes.rooms.get(conv)?.owner === undefined,
      users: Object.entries(users).map(([user, [firstSeq, lastSeq]]) => ({
        userId: user as UserId,
        firstSeq,
        lastSeq,
      })),
      gone: [],
      knownSeq: this.nextSeq - 1,
      ...fields,
    });
  }

  entries(...seqs: readonly Seq[]): void {
    for (const seq of seqs) this.entry(seq);
    this.nextSeq = Math.max(this.nextSeq, ...seqs.map((seq) => seq + 1));
  }

  entry(seq: Seq, fields: Partial<EntryFrame> = {}): void {
    const frame = { t: 'entry', audience: 1, incarnation: 1, entry: logEntry(seq), ...fields } as const;
    if (this.pushes.rooms.entry(this.owner, frame)) return;
    const { convId } = frame.entry;
    this.toOwner.push({ t: 'audienceUnknown', audience: frame.audience, convId, seq });
  }

  flush(): void {
    this.pushes.collect();
  }

  sent<T extends EdgeFrame['t']>(kind: T): Extract<EdgeFrame, { t: T }>[] {
    return this.toOwner.filter((frame): frame is Extract<EdgeFrame, { t: T }> => frame.t === kind);
  }

  cursor(fields: Partial<Extract<OwnerFrame, { t: 'cursor' }>>): void {
    const usual = { convId: conv, userId: 'ada' as UserId, deliveredSeq: 1, readSeq: 1, to: [] };
    this.pushes.cursor({ t: 'cursor', ...usual, ...fields });
  }
}
