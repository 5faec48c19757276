import { type DecodedCommand, decodeRequest } from '../codec/frames.ts';
import type { Clock } from '../core/clock.ts';
import type { ConfigOf } from '../core/config.ts';
import type { DoorInlet, DoorOutlet, SessionInfo } from '../core/door.ts';
import { Fault, toFault } from '../core/fault.ts';
import { TokenBucket } from '../core/token-bucket.ts';
import type { TraceContext } from '../core/trace-context.ts';
import * as check from './check.ts';
import type { ConnectionMeters } from './meters.ts';
import type { connectionOptions } from './options.ts';
import type { Pace } from './pace.ts';
import { Session } from './session.ts';
import type { SessionBook } from './session-book.ts';
import { kickedFragment } from './wire.ts';

export interface EntranceParts {
  readonly config: ConfigOf<{ connection: typeof connectionOptions }>['connection'];
  readonly clock: Clock;
  readonly meters: ConnectionMeters;
  readonly sessions: SessionBook;
  readonly pace: Pace;
  /** Nobody is let in any more. */
  draining(): boolean;
  command(session: Session, command: DecodedCommand, trace: TraceContext | undefined): void;
  /** Its door can take more again. */
  resumed(session: Session): void;
  gone(session: Session): void;
  end(session: Session, fault: Fault): void;
}

/** Frames of commands that wait for the session to be open, at most. */
const maxWaitingBytes = 512 * 1024;

/** What comes in by the doors: sessions, and the frames of each. */
export class Entrance {
  readonly #parts: EntranceParts;
  #lastSession = 0;

  constructor(parts: EntranceParts) {
    this.#parts = parts;
  }

  attach(outlet: DoorOutlet): DoorInlet {
    const { clock, gone, resumed } = this.#parts;
    const sessions = new Map<number, Session>();
    return {
      open: (doorSession, info) => {
        const session = this.#admit(outlet, doorSession, info);
        if (session !== undefined) sessions.set(doorSession, session);
      },
      data: (doorSession, frame, trace) => {
        const session = sessions.get(doorSession);
        if (session !== undefined) this.#data(session, frame, trace);
      },
      closed: (doorSession) => {
        const session = sessions.get(doorSession);
        sessions.delete(doorSession);
        if (session !== undefined) gone(session);
      },
      paused: (doorSession) => {
        const session = sessions.get(doorSession);
        if (session?.pausedAtMs === 0) session.pausedAtMs = clock.monotonicMs();
      },
      resumed: (doorSession) => {
        const session = sessions.get(doorSession);
        if (session === undefined) return;
        session.pausedAtMs = 0;
        resumed(session);
      },
      detach: () => {
        for (const session of sessions.values()) gone(session);
        sessions.clear();
      },
    };
  }

  #admit(outlet: DoorOutlet, doorSession: number, info: SessionInfo): Session | undefined {
    const { config, clock, meters, sessions } = this.#parts;
    const fault = this.#noRoom();
    if (fault !== undefined) {
      meters.close(fault.reason);
      outlet.deliver([doorSession], kickedFragment(fault));
      outlet.close(doorSession, fault.spec.closeCode, fault.reason);
      return undefined;
    }
    this.#lastSession += 1;
    const nowMs = clock.monotonicMs();
    const rate = new TokenBucket(config.commandRate, config.commandBurst, nowMs);
    const session = new Session({ no: this.#lastSession, outlet, doorSession, info, nowMs, rate });
    sessions.add(session);
    meters.opened(info.transport);
    return session;
  }

  #noRoom(): Fault | undefined {
    if (this.#parts.draining()) return new Fault('nodeDraining', { message: 'the node is going away' });
    if (this.#parts.sessions.size < this.#parts.config.maxSessions) return undefined;
    return new Fault('tooManyConnections', { message: 'the node is full' });
  }

  #data(session: Session, frame: Uint8Array, trace: TraceContext | undefined): void {
    if (session.state === 'closed') return;
    const { clock, pace, command, end } = this.#parts;
    session.heardAtMs = clock.monotonicMs();
    try {
      if (session.state !== 'open') mayWait(session, frame.byteLength);
      const price = pace.frame(session, frame.byteLength);
      const commands = decoded(frame);
      for (const one of commands) command(session, one, trace);
      pace.bear(session, price + commands.length);
    } catch (error) {
      end(session, toFault(error));
    }
  }
}

/** Commands that come before welcome wait, but not without end. */
function mayWait(session: Session, bytes: number): void {
  session.waitingBytes += bytes;
  if (session.waitingBytes <= maxWaitingBytes) return;
  throw new Fault('tooManyCommands', { message: 'too much before welcome' });
}

function decoded(frame: Uint8Array): readonly DecodedCommand[] {
  if (frame.byteLength > check.limits.frameBytes) {
    throw new Fault('frameTooLarge', { message: `frames have at most ${check.limits.frameBytes} bytes` });
  }
  return decodeRequest(frame);
}
