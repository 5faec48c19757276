import type { DecodedCommand } from '../codec/frames.ts';
import { addressKey } from '../core/address-key.ts';
import type { Clock } from '../core/clock.ts';
import type { ConfigOf } from '../core/config.ts';
import type { Mode } from '../core/core-options.ts';
import type { Failpoints } from '../core/failpoint.ts';
import { Fault, toFault } from '../core/fault.ts';
import type { Frame } from '../core/frame.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { Directory } from '../ports/directory.ts';
import type { Authenticator } from './auth.ts';
import * as check from './check.ts';
import type { CommandTraces } from './command-traces.ts';
import type { connectionOptions } from './options.ts';
import type { Owners } from './owners.ts';
import type { Pace } from './pace.ts';
import type { Session } from './session.ts';
import type { SessionBook } from './session-book.ts';
import type { SessionEvents } from './session-events.ts';
import { signIn } from './sign-in.ts';
import { fragment } from './wire.ts';

export interface ReceptionParts {
  readonly config: ConfigOf<{ connection: typeof connectionOptions }>['connection'];
  readonly mode: Mode;
  readonly clock: Clock;
  readonly auth: Authenticator;
  readonly events: SessionEvents;
  readonly sessions: SessionBook;
  readonly rates: Directory['rates'];
  readonly pace: Pace;
  readonly owners: Owners;
  readonly failpoints: Failpoints | undefined;
  readonly log: Logger;
  readonly traces: CommandTraces | undefined;
  /** Of the store, as message nodes say. */
  epoch(): string;
  queue(session: Session, encoded: Frame): void;
  /** The session is open, and these are the commands that waited for it. */
  opened(session: Session, waiting: readonly DecodedCommand[]): void;
  end(session: Session, fault: Fault, replyTo: number): void;
}

/** Lets sessions in: hello, sign-in, registration with the message nodes, welcome. */
export class Reception {
  readonly #parts: ReceptionParts;

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
  }

  /** Takes the first command of a session. Never rejects: what goes wrong ends the session. */
  async hello(session: Session, command: DecodedCommand): Promise<void> {
    const { auth, events, sessions, pace, owners, config, mode, failpoints, traces, end } = this.#parts;
    try {
      if (command.t !== 'other' || command.command.command.case !== 'hello') {
        throw new Fault('helloExpected', { message: 'the first command is hello' });
      }
      session.state = 'signingIn';
      await this.#mayTry(session);
      const { value } = command.command.command;
      await signIn(session, value, auth);
      if (isClosed(session)) return;
      session.trace = traces?.saidBySession(value.traceparent);
      pace.begin(session);
      // First it is the user's, so that whatever is revoked from here on finds it; then it is asked what was before.
      sessions.signIn(session);
      await auth.check(session);
      if (isClosed(session)) return;
      session.state = 'registering';
      owners.register(session);
      if (mode === 'development' && config.lobby) await this.#joinLobby(session.userId);
      await session.whenRegistered();
      await failpoints?.hit('afterRegister');
      if (isClosed(session)) return;
      this.#open(session, command.id);
    } catch (error) {
      const fault = toFault(error);
      if (!isClosed(session)) events.signInRefused(session, fault);
      end(session, fault, command.id);
    }
  }

  /** Throws `rateLimited` where too many sign in from one address. */
  async #mayTry(session: Session): Promise<void> {
    const { signInRate: perSecond, signInBurst: burst } = this.#parts.config;
    const key = perSecond === 0 ? undefined : addressKey(session.info.remoteAddress);
    if (key === undefined) return;
    const retryAfterMs = await this.#parts.rates.take({ name: 'sign-in', perSecond, burst }, key);
    if (retryAfterMs === 0) return;
    throw new Fault('rateLimited', { message: 'too many sign in from this address', retryAfterMs });
  }

  /** Development: everybody finds the others in the lobby. */
  async #joinLobby(userId: UserId): Promise<void> {
    const { owners, log } = this.#parts;
    const op = { t: 'group', groupId: 'lobby' as ConvId, clientId: '', change: { t: 'ensure' } } as const;
    await owners.links.ask(userId, op).catch((error) => {
      log.warn('the lobby is not available', { 'event.action': 'lobby-unavailable' }, error);
    });
  }

  /** Welcome comes first, then what was pushed since the session is registered, then what its commands bring. */
  #open(session: Session, hello: number): void {
    const { queue, opened } = this.#parts;
    session.state = 'open';
    queue(session, fragment(hello, { case: 'welcome', value: this.#welcome(session) }));
    const { early, waiting } = session;
    session.early = [];
    session.waiting = [];
    for (const encoded of early) queue(session, encoded);
    opened(session, waiting);
  }

  #welcome(session: Session) {
    const { config, clock, epoch } = this.#parts;
    return {
      sessionId: String(session.no),
      userId: session.userId,
      storeEpoch: epoch(),
      serverTimeMs: BigInt(clock.wallMs()),
      pingIntervalMs: config.pingIntervalMs,
      ackIntervalMs: config.ackIntervalMs,
      ackBytes: config.ackBytes,
      maxFrameBytes: check.limits.frameBytes,
      maxCommands: check.limits.commands,
      maxTextLength: check.limits.textLength,
      maxPageSize: check.limits.pageSize,
    };
  }
}

function isClosed(session: Session): boolean {
  return session.state === 'closed';
}
