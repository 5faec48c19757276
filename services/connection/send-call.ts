import { sentFragment } from '../codec/frames.ts';
import type { Fault } from '../core/fault.ts';
import type { Result, SendOperation } from '../peer/edge-frames.ts';
import type { SendChain } from './chain.ts';
import type { CommandDesk } from './command-desk.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { CommandTrace } from './command-traces.ts';
import type { Answer } from './message-link.ts';
import { type ConnectionMeters, serversDoing } from './meters.ts';
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
  /** Undefined for most. */
  readonly #trace: CommandTrace | undefined;

  /** `id`: the client's number of the command. */
  constructor(
    parts: SendCallParts,
    session: Session,
    id: number,
    chain: SendChain,
    op: SendOperation,
    trace: CommandTrace | undefined,
  ) {
    this.#parts = parts;
    this.#session = session;
    this.#id = id;
    this.#chain = chain;
    this.#op = op;
    this.#trace = trace;
    session.inFlight += 1;
  }

  get trace(): TraceContext | undefined {
    return this.#trace?.context;
  }

  done(result: Result): void {
    this.#answered(false, false);
    if (result.t !== 'sent') throw new Error(`a send is not answered by ${result.t}`);
    const { desk, meters } = this.#parts;
    meters.sent((desk.nowMs - this.sinceMs) / 1_000);
    desk.reply(this.#session, sentFragment(this.#id, result));
    if (this.#trace !== undefined) tellSent(this.#trace, result);
  }

  refused(fault: Fault): void {
    // What the owner lets wait behind another one shares in the cause of that.
    const byServer = fault.reason === 'outOfOrder' ? this.#chain.waitsByServer : serversDoing(fault);
    this.#answered(fault.spec.retry !== 'never', byServer);
    this.#parts.meters.sendRefused(byServer);
    this.#parts.desk.refuse(this.#session, this.#id, fault);
    this.#trace?.refused(fault);
  }

  #answered(retry: boolean, byServer: boolean): void {
    const { clientId, convId } = this.#op;
    this.#session.inFlight -= 1;
    this.#chain.answered(clientId, retry, byServer);
    this.#session.forgetIdle(convId, this.#chain);
  }
}

function tellSent(
  trace: CommandTrace,
  { convId, seq, msgId, duplicate }: Extract<Result, { t: 'sent' }>,
): void {
  trace.set({
    'parley.conv_id': convId,
    'parley.seq': seq,
    'parley.msg_id': String(msgId),
    'parley.duplicate': duplicate,
  });
  trace.done();
}
