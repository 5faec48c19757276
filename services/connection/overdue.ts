import { Fault } from '../core/fault.ts';
import type { Session } from './session.ts';

export interface OverdueLimits {
  readonly helloTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly slowConsumerMs: number;
}

/** Why a session has to end now; undefined while it may go on. Pure. */
export function overdue(
  session: Session,
  { nowMs, wallMs }: { readonly nowMs: number; readonly wallMs: number },
  { helloTimeoutMs, pingIntervalMs, slowConsumerMs }: OverdueLimits,
): Fault | undefined {
  if (session.state !== 'open') {
    const late = nowMs - session.openedAtMs > helloTimeoutMs;
    return late ? new Fault('helloTimeout', { message: 'no hello in time' }) : undefined;
  }
  if (session.pausedAtMs > 0 && nowMs - session.pausedAtMs > slowConsumerMs) {
    return new Fault('slowConsumer', { message: 'nothing is read' });
  }
  if (nowMs - session.heardAtMs > 3 * pingIntervalMs) {
    return new Fault('silent', { message: 'nothing is heard' });
  }
  if (wallMs > session.expiresAtMs) return new Fault('tokenExpired', { message: 'the token has expired' });
  return undefined;
}
