import type { DecodedCommand } from '../codec/frames.ts';
import type { Clock } from '../core/clock.ts';
import type { ConfigOf } from '../core/config.ts';
import type { Mode } from '../core/core-options.ts';
import type { CallContext, DoorInlet, DoorOutlet, SessionHost, UnaryHost } from '../core/door.ts';
import type { Failpoints } from '../core/failpoint.ts';
import { Fault, type FaultReason } from '../core/fault.ts';
import type { Frame } from '../core/frame.ts';
import type { UserId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { Service, StopReason } from '../core/service.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { TracedClients } from '../core/trace-options.ts';
import type { Tracer } from '../core/tracer.ts';
import type { Directory, Revocation } from '../ports/directory.ts';
import type { Administration } from '../peer/administration.ts';
import type { EdgeFrame, OwnerFrame } from '../peer/edge-frames.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import { Authenticator } from './auth.ts';
import * as check from './check.ts';
import { CommandTraces } from './command-traces.ts';
import { Flusher } from './flusher.ts';
import { Entrance } from './entrance.ts';
import { ConnectionMeters } from './meters.ts';
import type { connectionOptions } from './options.ts';
import { overdue } from './overdue.ts';
import { type News, Owners } from './owners.ts';
import { Pace } from './pace.ts';
import { Pushes } from './pushes.ts';
import { Rates } from './rates.ts';
import { Reception } from './reception.ts';
import { isRevokedBy, revokedFault } from './revocation-check.ts';
import type { Session } from './session.ts';
import { sessionAcks } from './session-acks.ts';
import { SessionAnnouncer } from './session-announcer.ts';
import { SessionBook } from './session-book.ts';
import { SessionCommands } from './session-commands.ts';
import { SessionEvents } from './session-events.ts';
import { SlowSessions } from './slow-sessions.ts';
import type { Tokens } from './token.ts';
import { UnaryApi } from './unary-api.ts';
import { Watches } from './watches.ts';
import { errorOf, fragment, kickedFragment } from './wire.ts';

export interface ConnectionNodeParts {
  readonly config: ConfigOf<{ connection: typeof connectionOptions }>['connection'];
  readonly mode: Mode;
  readonly clock: Clock;
  readonly tokens: Tokens;
  /** Of this run: no other node, nor this one at another time, has it. */
  readonly nodeId: string;
  readonly directory: Pick<Directory, 'sessions' | 'revocations' | 'rates'>;
  readonly administration: Administration;
  /** The application server key of Web Push, for browsers to subscribe with; none unless given. */
  readonly webPushKey?: Uint8Array | undefined;
  readonly log: Logger;
  readonly random: () => number;
  /** How long sessions outlive the last link to a message node, in milliseconds; 0 where links don't come again. */
  readonly aloneMs?: number;
  readonly failpoints?: Failpoints | undefined;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  readonly traces?: { readonly clients: TracedClients; readonly slowMs: number };
}

/** All rooms are looked through every five seconds, a part at a time. */
const redeliverEveryMs = 100;
const redeliverPart = 0.02;
const secondMs = 1_000;
const drainPollMs = 20;
const linkPollMs = 10;

/** A connection node: the sessions of the clients that its doors let in. */
export class ConnectionNode implements Service, SessionHost, UnaryHost {
  readonly name = 'connection';
  readonly meters = new ConnectionMeters();
  readonly slow: SlowSessions;
  readonly #parts: ConnectionNodeParts;
  readonly #sessions: SessionBook;
  readonly #events: SessionEvents;
  readonly #pace: Pace;
  readonly #entrance: Entrance;
  readonly #reception: Reception;
  readonly #owners: Owners;
  readonly #pushes: Pushes;
  readonly #watches: Watches;
  readonly #commands: SessionCommands;
  readonly #unary: UnaryApi;
  readonly #flusher: Flusher;
  readonly #auth: Authenticator;
  readonly #announcer: SessionAnnouncer;
  #endRevocations = (): void => {};
  /** Of the store, as message nodes say: what sessions are told. Empty until one is linked. */
  #epoch = '';
  #draining = false;
  #drainedAtMs = 0;
  #timers: NodeJS.Timeout[] = [];

  constructor(parts: ConnectionNodeParts) {
    const { config, mode, clock, tokens, nodeId, directory, tracer, log } = parts;
    const { clients = 'none', slowMs = Number.POSITIVE_INFINITY } = parts.traces ?? {};
    const traces = tracer === undefined ? undefined : new CommandTraces({ tracer, clients, slowMs, log });
    const { revocations } = directory;
    const { meters } = this;
    const events = new SessionEvents({ log, meters, clock });
    this.#events = events;
    this.#parts = parts;
    const auth = new Authenticator({ mode, tokens, clock, revocations, meters });
    this.#auth = auth;
    this.#sessions = new SessionBook({ maxPerUser: config.maxSessionsPerUser });
    this.#announcer = new SessionAnnouncer({
      directory: directory.sessions,
      sessions: this.#sessions,
      nodeId,
      clock,
      meters,
      onBug: (error) => this.#bug('sessions could not be announced', error),
    });
    const rates = new Rates({ clock, rate: config.commandRate, burst: config.commandBurst });
    this.#pace = new Pace({ clock, rates, config });
    const owners = new Owners({
      clock,
      timeoutMs: config.callTimeoutMs,
      aloneMs: parts.aloneMs ?? 0,
      rooms: () => this.#pushes.rooms,
      signedIn: () => this.#sessions.all().filter(({ signedIn }) => signedIn),
      watched: () => this.#watches.users(),
      news: (frame) => this.#news(frame),
      sessionAcks: (question) => sessionAcks(this.#sessions, question),
      epoch: (epoch) => this.#epochIs(epoch),
      abandoned: () => this.#endAll(new Fault('ownerLost', { message: 'no message node is there' })),
      failed: (error) => this.#bug('a frame of a message node could not be taken', error),
    });
    this.#owners = owners;
    this.#flusher = new Flusher({
      collect: () => this.#pushes.collect(),
      nowMs: () => clock.monotonicMs(),
      failed: (error) => this.#bug('a flush failed', error),
    });
    const queue = (session: Session, encoded: Frame): void => this.#queue(session, encoded);
    const end = (session: Session, fault: Fault, replyTo?: number): void =>
      this.#end(session, fault, replyTo);
    this.#pushes = new Pushes({
      clock,
      sessions: this.#sessions,
      meters,
      heldBack: (session) => events.heldBack(session),
      windowBytes: config.windowBytes,
      redeliverAfterMs: config.redeliverAfterMs,
      queue,
      queueLazily: (session, encoded) => this.#flusher.queueLazily(session, encoded),
      traces,
      carries: (fragment, span) => this.#flusher.carries(fragment, span),
      delivered: (items) => owners.links.delivered(items),
      pull: (convId, fromSeq, toSeq) => owners.pull(convId, fromSeq, toSeq),
      end,
      dirty: () => this.#flusher.schedule(),
    });
    this.#watches = new Watches({
      watch: (users) => owners.links.watch(users),
      unwatch: (users) => owners.links.unwatch(users),
    });
    this.#commands = new SessionCommands({
      clock,
      messages: owners.links,
      watches: this.#watches,
      pushes: this.#pushes,
      auth,
      meters,
      maxInFlight: config.maxInFlight,
      developmentGroups: parts.mode === 'development',
      traces,
      queue,
      end,
    });
    const messages = owners.links;
    const { administration, webPushKey = new Uint8Array() } = parts;
    const asked = { directory, administration, webPushKey };
    const limits = { rates, meters, events, traces };
    this.#unary = new UnaryApi({ auth, tokens, clock, messages, ...asked, ...limits });
    this.#entrance = new Entrance({
      config,
      clock,
      meters,
      sessions: this.#sessions,
      pace: this.#pace,
      draining: () => this.#draining,
      command: (session, command, trace) => this.#command(session, command, trace),
      resumed: (session) => this.#pushes.catchUp(session),
      gone: (session) => this.#gone(session),
      end,
    });
    this.slow = new SlowSessions({ clock, sessions: () => this.#sessions.all(), nodeId });
    this.#reception = new Reception({
      config,
      mode,
      clock,
      auth,
      events,
      sessions: this.#sessions,
      rates: directory.rates,
      pace: this.#pace,
      owners,
      failpoints: parts.failpoints,
      log,
      traces,
      epoch: () => this.#epoch,
      queue,
      opened: (session, waiting) => this.#opened(session, waiting),
      end,
    });
  }

  get rooms(): number {
    return this.#pushes.rooms.size;
  }

  /** The epoch that this node has heard of last; empty for none. */
  get epoch(): string {
    return this.#epoch;
  }

  /** Users that have a session. */
  get users(): number {
    return this.#sessions.users;
  }

  /** Bytes pushed to sessions that they have not acknowledged. */
  get unackedBytes(): number {
    return this.#sessions.all().reduce((sum, { unackedBytes }) => sum + unackedBytes, 0);
  }

  /** The message nodes that own conversations, as this node sees them. */
  get owners(): readonly string[] {
    return this.#owners.links.names;
  }

  /** Ends the sessions of a user, or those of one device; gives how many. They may come again. */
  endSessions(userId: UserId, deviceId: string): number {
    const chosen = [...this.#sessions.of(userId)].filter(
      (session) => deviceId === '' || session.deviceId === deviceId,
    );
    for (const session of chosen)
      this.#end(session, new Fault('sessionEnded', { message: 'an administrator ended the session' }));
    return chosen.length;
  }

  /** Whether sessions can be opened: some message node is linked. */
  get linked(): boolean {
    return this.#owners.linked > 0;
  }

  /** Resolves when all message nodes that own conversations are linked, or after so long. */
  async linkedWithin(ms: number): Promise<void> {
    const { clock } = this.#parts;
    const untilMs = clock.monotonicMs() + ms;
    while (!this.#owners.links.complete && clock.monotonicMs() < untilMs)
      await new Promise((resolve) => setTimeout(resolve, linkPollMs));
  }

  /** A message node is linked; `nodeId` stays the same when it comes again, `epoch` is that of its store. */
  connectMessages(link: Link<EdgeFrame>, nodeId: string, epoch: string): LinkEvents<OwnerFrame> {
    return this.#owners.connect(nodeId, link, epoch);
  }

  /** The message nodes that own conversations, as the directory has them; undefined where it is not there. */
  see(owners: readonly { readonly nodeId: string }[] | undefined): void {
    this.#owners.see(owners);
  }

  async start(): Promise<void> {
    this.#endRevocations = this.#parts.directory.revocations.onRevoked((each) => this.#revoked(each));
    this.#announcer.start();
    this.#timers = [
      setInterval(() => this.#guarded(() => this.#tick()), secondMs),
      setInterval(() => this.#guarded(() => this.#pushes.redeliver(redeliverPart)), redeliverEveryMs),
    ];
  }

  /** Tells sessions to go elsewhere, spread over half the time, and closes at its end those that stayed. */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    const { clock } = this.#parts;
    this.#drainedAtMs = clock.monotonicMs() + deadlineMs;
    for (const session of this.#sessions.all()) if (session.state === 'open') this.#tellDraining(session);
    this.#flusher.flush();
    while (this.#sessions.size > 0 && clock.monotonicMs() < this.#drainedAtMs) {
      await new Promise((resolve) => setTimeout(resolve, drainPollMs));
    }
    this.#endAll(new Fault('nodeDraining', { message: 'the node is going away' }));
  }

  #tellDraining(session: Session): void {
    const leftMs = this.#drainedAtMs - this.#parts.clock.monotonicMs();
    const delayMs = Math.max(0, Math.floor(this.#parts.random() * leftMs * 0.5));
    this.#queue(session, fragment(0, { case: 'draining', value: { delayMs } }));
  }

  async stop(_reason: StopReason): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#owners.stop();
    this.#endRevocations();
    this.#endAll(new Fault('nodeDraining', { message: 'the node is going away' }));
    await this.#announcer.stop();
  }

  attach(outlet: DoorOutlet): DoorInlet {
    return this.#entrance.attach(outlet);
  }

  call(rpc: string, request: unknown, context: CallContext): Promise<unknown> {
    return this.#unary.call(rpc, request, context);
  }

  #command(session: Session, command: DecodedCommand, trace?: TraceContext): void {
    switch (session.state) {
      case 'open':
        this.#commands.carryOut(session, command, trace);
        return;
      case 'signingIn':
      case 'registering':
        if (session.waiting.length >= check.limits.commands) {
          throw new Fault('tooManyCommands', { message: 'too many commands before welcome' });
        }
        session.waiting.push(command);
        return;
      case 'opened':
        void this.#reception.hello(session, command);
        return;
      case 'closed':
    }
  }

  /** Tokens were revoked: sessions that live on them end. */
  #revoked(revocation: Revocation): void {
    this.#auth.revoked(revocation);
    for (const session of [...this.#sessions.of(revocation.userId)]) {
      if (isRevokedBy(session, revocation)) this.#end(session, revokedFault());
    }
  }

  #opened(session: Session, waiting: readonly DecodedCommand[]): void {
    if (this.#draining) this.#tellDraining(session);
    for (const waited of waiting) this.#command(session, waited);
  }

  #queue(session: Session, encoded: Frame): void {
    if (session.state === 'registering') session.early.push(encoded);
    else if (session.state !== 'closed') this.#flusher.queue(session, encoded);
  }

  /** Ends a session: it is told why, and the door closes it once that is written. */
  #end(session: Session, fault: Fault, replyTo = 0): void {
    if (session.state === 'closed') return;
    if (fault.reason === 'internal') this.#bug('a session failed', fault.cause);
    this.#events.ended(session, fault);
    if (fault.reason === 'slowConsumer') this.slow.close(session);
    this.#flusher.queue(session, fragment(replyTo, { case: 'error', value: errorOf(fault) }));
    this.#flusher.queue(session, kickedFragment(fault));
    this.#flusher.flush();
    this.#gone(session);
    this.#guarded(() => session.outlet.close(session.doorSession, fault.spec.closeCode, fault.reason));
  }

  /** Sessions of another epoch hold what may be in no log any more: they end, and their clients start over. */
  #epochIs(epoch: string): void {
    if (epoch === '' || epoch === this.#epoch) return;
    const isFirst = this.#epoch === '';
    this.#epoch = epoch;
    if (isFirst) return;
    this.#parts.log.warn('the store was restored: all sessions end', {
      'event.action': 'epoch-changed',
      'parley.store.epoch': epoch,
    });
    this.#endAll(new Fault('epochChanged', { message: 'the store was restored: start over' }));
    this.#owners.reset(epoch);
  }

  #endOne(no: number, reason: FaultReason, message: string): void {
    const session = this.#sessions.get(no);
    if (session !== undefined) this.#end(session, new Fault(reason, { message }));
  }

  #endAll(fault: Fault): void {
    for (const session of this.#sessions.all()) this.#end(session, fault);
  }

  #gone(session: Session): void {
    if (session.state === 'closed') return;
    const { signedIn } = session;
    session.state = 'closed';
    session.waiting = [];
    session.early = [];
    session.lazy = undefined;
    session.markRegistered();
    this.meters.gone(session.info.transport);
    this.#sessions.remove(session);
    this.#pushes.rooms.leave(session);
    if (!signedIn) return;
    this.#announcer.ended(session);
    this.#watches.replace(session, new Set());
    this.#owners.leave(session);
  }

  #news(frame: News): void {
    switch (frame.t) {
      case 'superseded':
        this.#endOne(frame.session, 'superseded', 'a newer session of this device was opened');
        return;
      case 'stale':
        this.#endOne(
          frame.session,
          'ownerLost',
          'a message node was out of reach: sync what it has committed',
        );
        return;
      case 'cursor':
        this.#pushes.cursor(frame);
        return;
      case 'receipts':
        this.#pushes.receipts(frame);
        return;
      case 'typing':
        this.#pushes.typing(frame);
        return;
      case 'presence':
        for (const session of this.#watches.of(frame.userId)) this.#commands.presence(session, frame);
    }
  }

  /** What must not throw, and what is told where it does. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#bug('a task failed', error);
    }
  }

  #bug(message: string, error: unknown): void {
    this.#parts.log.error(message, { 'event.action': 'internal-error' }, error);
  }

  #tick(): void {
    const { clock, config } = this.#parts;
    this.#owners.links.expire();
    const now = { nowMs: clock.monotonicMs(), wallMs: clock.wallMs() };
    for (const session of this.#sessions.all()) {
      const fault = overdue(session, now, config);
      if (fault !== undefined) this.#end(session, fault);
    }
  }
}
