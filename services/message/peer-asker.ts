import type { Fault } from '../core/fault.ts';
import type { UserId } from '../core/ids.ts';
import type { Result } from '../peer/edge-frames.ts';
import type { Link } from '../peer/link.ts';
import type { PeerAnswerFrame } from '../peer/peer-frames.ts';
import { weighResult } from '../peer/weight.ts';
import type { Span } from '../core/span.ts';
import { answered, refused } from './command-span.ts';
import type { Asker } from './operations.ts';

/** Whose command another message node handed on: the answer goes back on that node's link. */
export class PeerAsker implements Asker {
  readonly userId: UserId;
  /** The node that waits is. */
  readonly isThere = true;
  /** What is handed on promises no order. */
  readonly refused = undefined;
  readonly #link: Link<PeerAnswerFrame>;
  readonly #call: number;
  readonly span: Span | undefined;

  constructor({
    link,
    call,
    userId,
    span,
  }: {
    readonly link: Link<PeerAnswerFrame>;
    readonly call: number;
    readonly userId: UserId;
    readonly span: Span | undefined;
  }) {
    this.#link = link;
    this.#call = call;
    this.userId = userId;
    this.span = span;
  }

  /** An answer that the link has no room for is not sent: the node that waits for it gives up in a while. */
  more(result: Result): void {
    this.#link.send({ t: 'reply', call: this.#call, result }, weighResult(result));
  }

  done(result: Result): void {
    this.more(result);
    if (this.span !== undefined) answered(this.span, result);
  }

  refuse(fault: Fault): void {
    const { reason, message, field, retryAfterMs } = fault;
    this.#link.send(
      { t: 'refused', call: this.#call, refusal: { reason, message, field, retryAfterMs } },
      128,
    );
    if (this.span !== undefined) refused(this.span, fault);
  }
}
