import type { Clock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import type { Operation, Result } from '../peer/edge-frames.ts';
import type { MessageLink } from './message-link.ts';
import type { ConnectionMeters } from './meters.ts';
import type { Session } from './session.ts';
import { errorOf, fragment } from './wire.ts';

export type ResultOf<T extends Result['t']> = Extract<Result, { t: T }>;

export interface DeskParts {
  readonly clock: Clock;
  readonly messages: MessageLink;
  readonly meters: ConnectionMeters;
  /** Commands of one session that wait for their answer, at most. */
  readonly maxInFlight: number;
  queue(session: Session, encoded: Uint8Array): void;
}

/** What all commands of sessions share: their pace, the calls to message nodes, the answers. */
export class CommandDesk {
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  get nowMs(): number {
    return this.#parts.clock.monotonicMs();
  }

  /** Throws a fault with a retry when the session asks too fast, or for too much at once. */
  pace(session: Session): void {
    const waitMs = session.rate.take(this.nowMs);
    if (waitMs > 0) {
      throw new Fault('rateLimited', { message: 'too many commands a second', retryAfterMs: waitMs });
    }
    if (session.inFlight < this.#parts.maxInFlight) return;
    throw new Fault('overloaded', { message: 'too many commands wait for their answer', retryAfterMs: 100 });
  }

  /** Asks a message node; a refusal goes to `refused`, or straight to the session. */
  call<T extends Result['t']>(
    session: Session,
    id: number,
    op: Operation,
    answer: {
      done(result: ResultOf<T>): void;
      more?(result: ResultOf<T>): void;
      refused?(fault: Fault): void;
    },
  ): void {
    session.inFlight += 1;
    this.#parts.messages.call(session.no, session.userId, op, {
      more: answer.more as ((result: Result) => void) | undefined,
      done: (result) => {
        session.inFlight -= 1;
        try {
          answer.done(result as ResultOf<T>);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          this.refuse(session, id, error);
        }
      },
      refused: (fault) => {
        session.inFlight -= 1;
        answer.refused?.(fault);
        this.refuse(session, id, fault);
      },
    });
  }

  reply(session: Session, encoded: Uint8Array): void {
    this.#parts.queue(session, encoded);
  }

  refuse(session: Session, id: number, fault: Fault): void {
    this.#parts.meters.refuse(fault.reason);
    this.reply(session, fragment(id, { case: 'error', value: errorOf(fault) }));
  }

  /** The answer of commands that have nothing else to say; none where the client did not ask for one. */
  pong(session: Session, id: number): void {
    if (id === 0) return;
    const value = { serverTimeMs: BigInt(this.#parts.clock.wallMs()) };
    this.reply(session, fragment(id, { case: 'pong', value }));
  }
}
