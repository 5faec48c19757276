import type { Fault } from '../core/fault.ts';
import type { UserId } from '../core/ids.ts';
import type { Result } from '../peer/edge-frames.ts';
import { weighResult } from '../peer/weight.ts';
import type { Span } from '../core/span.ts';
import { answered, refused } from './command-span.ts';
import type { EdgePeer } from './edge-peer.ts';
import type { EdgeSession } from './edge-session.ts';
import type { Asker } from './operations.ts';
import type { ChainRefusals } from './refused-chains.ts';

/** Told of each refusal before it goes out. */
interface Refusals {
  refused(fault: Fault): void;
}

interface Question {
  readonly edge: EdgePeer;
  readonly call: number;
  readonly userId: UserId;
  readonly session: EdgeSession | undefined;
  readonly span: Span | undefined;
}

/** Who asked by a command frame: the answer goes back on its edge's link. */
export class EdgeAsker implements Asker {
  readonly userId: UserId;
  readonly span: Span | undefined;
  readonly #refusals: Refusals;
  readonly #edge: EdgePeer;
  readonly #call: number;
  /** Undefined for unary calls. */
  readonly #session: EdgeSession | undefined;

  constructor(refusals: Refusals, { edge, call, userId, session, span }: Question) {
    this.#refusals = refusals;
    this.#edge = edge;
    this.#call = call;
    this.#session = session;
    this.userId = userId;
    this.span = span;
  }

  get refused(): ChainRefusals | undefined {
    return this.#session;
  }

  get isThere(): boolean {
    const session = this.#session;
    return !this.#edge.isDown && (session === undefined || this.#edge.sessions.get(session.no) === session);
  }

  more(result: Result): void {
    this.#edge.send({ t: 'reply', call: this.#call, result }, weighResult(result));
  }

  done(result: Result): void {
    this.more(result);
    if (this.span !== undefined) answered(this.span, result);
  }

  refuse(fault: Fault): void {
    const { reason, message, field, retryAfterMs } = fault;
    this.#refusals.refused(fault);
    this.#edge.send({ t: 'refused', call: this.#call, refusal: { reason, message, field, retryAfterMs } });
    if (this.span !== undefined) refused(this.span, fault);
  }
}
