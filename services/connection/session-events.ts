import type { Clock } from '../core/clock.ts';
import type { Fault } from '../core/fault.ts';
import type { Logger, LogFields } from '../core/log.ts';
import { LogRation } from '../core/log-ration.ts';
import type { ConnectionMeters } from './meters.ts';
import type { Session } from './session.ts';

/**
 * What a connection node tells of its sessions and callers. All of it is the doing of clients, who may do it as often as
 * they like: meters count everything, the log has some of it.
 */
export class SessionEvents {
  readonly #log: Logger;
  readonly #meters: ConnectionMeters;
  readonly #refused: LogRation;
  readonly #heldBack: LogRation;
  readonly #closed: LogRation;

  constructor(parts: { readonly log: Logger; readonly meters: ConnectionMeters; readonly clock: Clock }) {
    this.#log = parts.log;
    this.#meters = parts.meters;
    this.#refused = new LogRation(parts.clock);
    this.#heldBack = new LogRation(parts.clock);
    this.#closed = new LogRation(parts.clock);
  }

  /** A hello is refused. Nothing of what it says is told: neither its token, nor the name that nobody has checked. */
  signInRefused(session: Session, fault: Fault): void {
    const { remoteAddress, transport } = session.info;
    this.#signInRefused(fault, remoteAddress, { ...named(session), 'parley.transport': transport });
  }

  /** A unary call is refused for who makes it. */
  callerRefused(rpc: string, remoteAddress: string, fault: Fault): void {
    this.#signInRefused(fault, remoteAddress, { 'parley.rpc': rpc });
  }

  /** A session has more than its window takes: pushes are held back. */
  heldBack(session: Session): void {
    this.#meters.slowConsumers += 1;
    const leftOut = this.#heldBack.take();
    if (leftOut === undefined) return;
    this.#log.info('a session does not acknowledge fast enough', {
      'event.action': 'slow-consumer',
      'parley.reason': 'over_window',
      ...slow(session),
      ...omitted(leftOut),
    });
  }

  /** A session ends, by this node's doing. */
  ended(session: Session, fault: Fault): void {
    this.#meters.close(fault.reason);
    if (fault.reason !== 'slowConsumer') return;
    const leftOut = this.#closed.take();
    if (leftOut === undefined) return;
    this.#log.info('a session that reads nothing is closed', {
      'event.action': 'slow-consumer-closed',
      'parley.reason': 'not_reading',
      ...slow(session),
      ...omitted(leftOut),
    });
  }

  #signInRefused({ reason }: Fault, remoteAddress: string, fields: LogFields): void {
    // That is no refusal but a failure, which is logged with its cause.
    if (reason === 'internal') return;
    const leftOut = this.#refused.take();
    if (leftOut === undefined) return;
    this.#log.info('a sign-in was refused', {
      'event.action': 'sign-in-refused',
      'event.outcome': 'failure',
      'parley.reason': reason,
      'client.address': remoteAddress,
      ...fields,
      ...omitted(leftOut),
    });
  }
}

/** Whose it is, once that is known. */
function named({ userId, no }: Session): LogFields {
  return { 'parley.session': no, ...(userId === '' ? {} : { 'user.id': userId }) };
}

function slow(session: Session): LogFields {
  return {
    ...named(session),
    'parley.transport': session.info.transport,
    'parley.unacked_bytes': session.unackedBytes,
  };
}

function omitted(leftOut: number): LogFields {
  return leftOut === 0 ? {} : { 'parley.left_out': leftOut };
}
