import { sentFragment } from '../codec/frames.ts';
import type { Fault } from '../core/fault.ts';
import type { Result, SendOperation } from '../peer/edge-frames.ts';
import type { SendChain } from './chain.ts';
import type { CommandDesk } from './command-desk.ts';
import type { Answer } from './message-link.ts';
import type { ConnectionMeters } from './meters.ts';
import type { Session } from './session.ts';

interface SendCallParts {
  readonly desk: CommandDesk;
  readonly meters: ConnectionMeters;
}

/** A send that was passed on, until it is answered. One object and no closures: there is one for every message. */
export class SendCall implements Answer {
  sinceMs = 0;
  readonly #parts: SendCallParts;
  readonly #session: Session;
  readonly #id: number;
  readonly #chain: SendChain;
  readonly #op: SendOperation;

  /** `id`: the client's number of the command. */
  constructor(parts: SendCallParts, session: Session, id: number, chain: SendChain, op: SendOperation) {
    this.#parts = parts;
    this.#session = session;
    this.#id = id;
    this.#chain = chain;
    this.#op = op;
    session.inFlight += 1;
  }

  done(result: Result): void {
    this.#answered(false);
    if (result.t !== 'sent') throw new Error(`a send is not answered by ${result.t}`);
    const { desk, meters } = this.#parts;
    meters.onSendSeconds((desk.nowMs - this.sinceMs) / 1_000);
    desk.reply(this.#session, sentFragment(this.#id, result));
  }

  refused(fault: Fault): void {
    this.#answered(fault.spec.retry !== 'never');
    this.#parts.desk.refuse(this.#session, this.#id, fault);
  }

  #answered(retry: boolean): void {
    const { clientId, convId } = this.#op;
    this.#session.inFlight -= 1;
    this.#chain.answered(clientId, retry);
    this.#session.forgetIdle(convId, this.#chain);
  }
}
