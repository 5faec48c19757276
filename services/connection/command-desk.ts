import type { Clock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import type { Frame } from '../core/frame.ts';
import type { ConvId } from '../core/ids.ts';
import type { Operation, Result, SendOperation } from '../peer/edge-frames.ts';
import type { CommandTrace } from './command-traces.ts';
import type { Answer } from './message-link.ts';
import { noOwner, type OwnerLink, type OwnerLinks } from './owner-links.ts';
import type { ConnectionMeters } from './meters.ts';
import type { Session } from './session.ts';
import { errorOf, fragment } from './wire.ts';

export type ResultOf<T extends Result['t']> = Extract<Result, { t: T }>;

export interface CommandAnswer<T extends Result['t']> {
  done(result: ResultOf<T>): void;
  more?(result: ResultOf<T>): void;
  refused?(fault: Fault): void;
  /** What the session hears of a refusal is for `refused` to say. */
  readonly quiet?: true;
  /** Of a sampled command; ended with the answer. */
  readonly trace?: CommandTrace | undefined;
}

export interface DeskParts {
  readonly clock: Clock;
  readonly messages: OwnerLinks;
  readonly meters: ConnectionMeters;
  /** Commands of one session that wait for their answer, at most. */
  readonly maxInFlight: number;
  queue(session: Session, encoded: Frame): void;
  end(session: Session, fault: Fault): void;
}

/** Pages that one session waits for, at most: each may have half a megabyte. */
const maxReading = 64;

/** What all commands of sessions share: their pace, the calls to message nodes, the answers. */
export class CommandDesk {
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  get nowMs(): number {
    return this.#parts.clock.monotonicMs();
  }

  /** Throws a fault with a retry when the user asks too fast, or the session for too much at once. */
  pace(session: Session, price = 1): void {
    const waitMs = session.rate.take(this.nowMs, price);
    if (waitMs > 0) {
      throw new Fault('rateLimited', { message: 'too many commands a second', retryAfterMs: waitMs });
    }
    if (session.inFlight < this.#parts.maxInFlight) return;
    throw new Fault('overloaded', { message: 'too many commands wait for their answer', retryAfterMs: 100 });
  }

  /** Like `call`, for what is answered by much; throws a fault with a retry when too much is asked for already. */
  read<T extends Result['t']>(
    session: Session,
    id: number,
    op: Operation,
    { done, trace }: Pick<CommandAnswer<T>, 'done' | 'trace'>,
  ): void {
    if (session.reading >= maxReading) {
      throw new Fault('overloaded', { message: 'too many pages are asked for at once', retryAfterMs: 50 });
    }
    session.reading += 1;
    this.call<T>(session, id, op, {
      trace,
      done: (result) => {
        session.reading -= 1;
        done(result);
      },
      refused: () => {
        session.reading -= 1;
      },
    });
  }

  /** Asks a message node; a refusal goes to `refused`, and to the session unless the answer is quiet. */
  call<T extends Result['t']>(session: Session, id: number, op: Operation, answer: CommandAnswer<T>): void {
    session.inFlight += 1;
    const { trace } = answer;
    this.#parts.messages.call(session.no, session.userId, op, {
      trace: trace?.context,
      more: answer.more as ((result: Result) => void) | undefined,
      done: (result) => {
        session.inFlight -= 1;
        try {
          answer.done(result as ResultOf<T>);
          trace?.done();
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          trace?.refused(error);
          if (answer.quiet) answer.refused?.(error);
          else this.refuse(session, id, error);
        }
      },
      refused: (fault) => {
        session.inFlight -= 1;
        trace?.refused(fault);
        answer.refused?.(fault);
        if (!answer.quiet) this.refuse(session, id, fault);
      },
    });
  }

  ownerOf(convId: ConvId): OwnerLink | undefined {
    return this.#parts.messages.ownerOf(convId);
  }

  /** Passes a send on; `answer` counts it. */
  pass(owner: OwnerLink | undefined, session: Session, op: SendOperation, answer: Answer): void {
    if (owner === undefined) answer.refused(noOwner());
    else owner.messages.call(session.no, session.userId, op, answer);
  }

  reply(session: Session, encoded: Frame): void {
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
