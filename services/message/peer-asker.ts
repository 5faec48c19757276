import type { Fault } from '../core/fault.ts';
import type { UserId } from '../core/ids.ts';
import type { Result } from '../peer/edge-frames.ts';
import type { Link } from '../peer/link.ts';
import type { PeerAnswerFrame } from '../peer/peer-frames.ts';
import { weigh } from './edge-asker.ts';
import type { Asker } from './operations.ts';

/** Whose command another message node handed on: the answer goes back on that node's link. */
export class PeerAsker implements Asker {
  readonly userId: UserId;
  /** What is handed on promises no order. */
  readonly refused = undefined;
  readonly #link: Link<PeerAnswerFrame>;
  readonly #call: number;

  constructor({
    link,
    call,
    userId,
  }: {
    readonly link: Link<PeerAnswerFrame>;
    readonly call: number;
    readonly userId: UserId;
  }) {
    this.#link = link;
    this.#call = call;
    this.userId = userId;
  }

  more(result: Result): void {
    this.done(result);
  }

  /** An answer that the link has no room for is not sent: the node that waits for it gives up in a while. */
  done(result: Result): void {
    this.#link.send({ t: 'reply', call: this.#call, result }, weigh(result));
  }

  refuse({ reason, message, field, retryAfterMs }: Fault): void {
    this.#link.send(
      { t: 'refused', call: this.#call, refusal: { reason, message, field, retryAfterMs } },
      128,
    );
  }
}
