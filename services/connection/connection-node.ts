import { type DecodedCommand, decodeRequest } from '../codec/frames.ts';
import type { Clock } from '../core/clock.ts';
import type { ConfigOf } from '../core/config.ts';
import type { Mode } from '../core/core-options.ts';
import type {
  CallContext,
  DoorInlet,
  DoorOutlet,
  SessionHost,
  SessionInfo,
  UnaryHost,
} from '../core/door.ts';
import { Fault, toFault } from '../core/fault.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { Service, StopReason } from '../core/service.ts';
import type { EdgeFrame, OwnerFrame } from '../peer/edge-frames.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import type { Authenticator } from './auth.ts';
import * as check from './check.ts';
import type { Delivery } from './delivery.ts';
import { Flusher } from './flusher.ts';
import { MessageLink } from './message-link.ts';
import { ConnectionMeters } from './meters.ts';
import type { connectionOptions } from './options.ts';
import { redeliver } from './redelivery.ts';
import { Rooms } from './rooms.ts';
import { Session } from './session.ts';
import { SessionCommands } from './session-commands.ts';
import { signIn } from './sign-in.ts';
import { TokenBucket } from './token-bucket.ts';
import type { Tokens } from './token.ts';
import { UnaryApi } from './unary-api.ts';
import { Watches } from './watches.ts';
import { errorOf, fragment } from './wire.ts';

export interface ConnectionNodeParts {
  readonly config: ConfigOf<{ connection: typeof connectionOptions }>['connection'];
  readonly mode: Mode;
  readonly clock: Clock;
  readonly auth: Authenticator;
  readonly tokens: Tokens;
  readonly log: Logger;
  /** Store epoch that sessions are told. */
  readonly epoch: () => string;
  readonly random: () => number;
}

const redeliverEveryMs = 5_000;
const secondMs = 1_000;

/** A connection node: the sessions of the clients that its doors let in. */
export class ConnectionNode implements Service, SessionHost, UnaryHost {
  readonly name = 'connection';
  readonly meters = new ConnectionMeters();
  readonly #parts: ConnectionNodeParts;
  readonly #config: ConnectionNodeParts['config'];
  readonly #clock: Clock;
  readonly #sessions = new Map<number, Session>();
  readonly #byUser = new Map<UserId, Set<Session>>();
  readonly #messages: MessageLink;
  readonly #rooms: Rooms;
  readonly #watches: Watches;
  readonly #commands: SessionCommands;
  readonly #unary: UnaryApi;
  readonly #flusher: Flusher;
  #delivered: { convId: ConvId; userId: UserId; seq: number }[] = [];
  #lastSession = 0;
  #draining = false;
  #timers: NodeJS.Timeout[] = [];

  constructor(parts: ConnectionNodeParts) {
    const { config, clock, auth, tokens } = parts;
    this.#parts = parts;
    this.#config = config;
    this.#clock = clock;
    this.#messages = new MessageLink({
      clock,
      timeoutMs: config.callTimeoutMs,
      push: (frame) => this.#pushed(frame),
      lost: () => this.#endAll(new Fault('ownerLost', { message: 'the message node is gone' })),
    });
    this.#flusher = new Flusher({ collect: () => this.#collect(), nowMs: () => clock.monotonicMs() });
    this.#rooms = new Rooms({
      clock,
      sessionsOf: (userId) => this.#byUser.get(userId) ?? [],
      send: (frame) => this.#messages.send(frame),
      dirty: () => this.#flusher.schedule(),
    });
    this.#watches = new Watches({
      watch: (users) => this.#messages.send({ t: 'watch', users }),
      unwatch: (users) => this.#messages.send({ t: 'unwatch', users }),
    });
    const { meters } = this;
    this.#commands = new SessionCommands({
      clock,
      messages: this.#messages,
      watches: this.#watches,
      auth,
      meters,
      maxInFlight: config.maxInFlight,
      developmentGroups: parts.mode === 'development',
      queue: (session, encoded) => this.#queue(session, encoded),
      end: (session, fault) => this.#end(session, fault),
      acknowledge: (session, convId, seq) => this.#acknowledge(session, convId, seq),
    });
    this.#unary = new UnaryApi({ auth, tokens, clock, messages: this.#messages, meters });
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  get rooms(): number {
    return this.#rooms.size;
  }

  /** The message node is linked. */
  connectMessages(link: Link<EdgeFrame>): LinkEvents<OwnerFrame> {
    return this.#messages.attach(link);
  }

  async start(): Promise<void> {
    this.#timers = [
      setInterval(() => this.#tick(), secondMs),
      setInterval(() => this.#redeliver(), redeliverEveryMs),
    ];
  }

  /** Tells sessions to go elsewhere, spread over half the time, and closes them at its end. */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    for (const session of this.#sessions.values()) {
      const delayMs = Math.floor(this.#parts.random() * deadlineMs * 0.5);
      if (session.state === 'open')
        this.#queue(session, fragment(0, { case: 'draining', value: { delayMs } }));
    }
    this.#flusher.flush();
    const until = this.#clock.monotonicMs() + deadlineMs;
    while (this.#sessions.size > 0 && this.#clock.monotonicMs() < until) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#endAll(new Fault('nodeDraining', { message: 'the node is going away' }));
    this.#flusher.flush();
  }

  async stop(_reason: StopReason): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#endAll(new Fault('nodeDraining', { message: 'the node is going away' }));
    this.#flusher.flush();
  }

  call(rpc: string, request: unknown, context: CallContext): Promise<unknown> {
    return this.#unary.call(rpc, request, context);
  }

  attach(outlet: DoorOutlet): DoorInlet {
    const sessions = new Map<number, Session>();
    return {
      open: (doorSession, info) => {
        const session = this.#open(outlet, doorSession, info);
        if (session !== undefined) sessions.set(doorSession, session);
      },
      data: (doorSession, frame) => {
        const session = sessions.get(doorSession);
        if (session !== undefined) this.#data(session, frame);
      },
      closed: (doorSession) => {
        const session = sessions.get(doorSession);
        sessions.delete(doorSession);
        if (session !== undefined) this.#gone(session);
      },
      paused: (doorSession) => {
        const session = sessions.get(doorSession);
        if (session !== undefined && session.pausedAtMs === 0) session.pausedAtMs = this.#clock.monotonicMs();
      },
      resumed: (doorSession) => {
        const session = sessions.get(doorSession);
        if (session === undefined) return;
        session.pausedAtMs = 0;
        this.#catchUp(session);
      },
      detach: () => {
        for (const session of sessions.values()) this.#gone(session);
        sessions.clear();
      },
    };
  }

  #open(outlet: DoorOutlet, doorSession: number, info: SessionInfo): Session | undefined {
    const refuse = (fault: Fault): undefined => {
      this.meters.close(fault.reason);
      outlet.deliver([doorSession], fragment(0, { case: 'kicked', value: kickedOf(fault) }));
      outlet.close(doorSession, fault.spec.closeCode, fault.reason);
      return undefined;
    };
    if (this.#draining) return refuse(new Fault('nodeDraining', { message: 'the node is going away' }));
    if (this.#sessions.size >= this.#config.maxSessions) {
      return refuse(new Fault('tooManyConnections', { message: 'the node is full' }));
    }
    this.#lastSession += 1;
    const nowMs = this.#clock.monotonicMs();
    const rate = new TokenBucket(this.#config.commandRate, this.#config.commandBurst, nowMs);
    const session = new Session({ no: this.#lastSession, outlet, doorSession, info, nowMs, rate });
    this.#sessions.set(session.no, session);
    this.meters.opened(info.transport);
    return session;
  }

  #data(session: Session, frame: Uint8Array): void {
    if (session.state === 'closed') return;
    session.heardAtMs = this.#clock.monotonicMs();
    let commands: DecodedCommand[];
    try {
      if (frame.byteLength > check.limits.frameBytes) {
        throw new Fault('frameTooLarge', { message: `frames have at most ${check.limits.frameBytes} bytes` });
      }
      commands = decodeRequest(frame);
      if (commands.length > check.limits.commands) {
        throw new Fault('tooManyCommands', {
          message: `frames have at most ${check.limits.commands} commands`,
        });
      }
    } catch (error) {
      this.#end(session, toFault(error));
      return;
    }
    for (const command of commands) this.#command(session, command);
  }

  #command(session: Session, command: DecodedCommand): void {
    switch (session.state) {
      case 'open':
        this.#commands.carryOut(session, command);
        return;
      case 'signingIn':
      case 'registering':
        if (session.waiting.length < check.limits.commands) session.waiting.push(command);
        else
          this.#end(session, new Fault('tooManyCommands', { message: 'too many commands before welcome' }));
        return;
      case 'opened':
        void this.#hello(session, command);
        return;
      case 'closed':
    }
  }

  async #hello(session: Session, command: DecodedCommand): Promise<void> {
    if (command.t !== 'other' || command.command.command.case !== 'hello') {
      this.#end(session, new Fault('helloExpected', { message: 'the first command is hello' }), command.id);
      return;
    }
    session.state = 'signingIn';
    try {
      await signIn(session, command.command.command.value, this.#parts.auth);
      if (this.#isClosed(session)) return;
      this.#register(session);
      if (this.#parts.mode === 'development' && this.#config.lobby) await this.#joinLobby(session.userId);
      await new Promise<void>((resolve) => {
        session.onRegistered = resolve;
        if (session.registered) resolve();
      });
    } catch (error) {
      this.#end(session, toFault(error), command.id);
      return;
    }
    if (this.#isClosed(session)) return;
    session.state = 'open';
    this.#queue(session, fragment(command.id, { case: 'welcome', value: this.#welcome(session) }));
    const waiting = session.waiting;
    session.waiting = [];
    for (const waited of waiting) this.#command(session, waited);
  }

  #isClosed(session: Session): boolean {
    return session.state === 'closed';
  }

  #register(session: Session): void {
    const { userId, deviceId, no } = session;
    let own = this.#byUser.get(userId);
    if (own === undefined) {
      own = new Set();
      this.#byUser.set(userId, own);
    }
    if (own.size >= this.#config.maxSessionsPerUser) {
      throw new Fault('tooManyConnections', { message: 'too many sessions of this user' });
    }
    own.add(session);
    session.state = 'registering';
    this.#messages.send({ t: 'sessionUp', session: no, userId, deviceId });
  }

  /** Development: everybody finds the others in the lobby. */
  async #joinLobby(userId: UserId): Promise<void> {
    const op = { t: 'group', groupId: 'lobby' as ConvId, clientId: '', change: { t: 'ensure' } } as const;
    await this.#messages.ask(userId, op).catch((error) => {
      this.#parts.log.warn('the lobby is not available', { 'event.action': 'lobby-unavailable' }, error);
    });
  }

  #welcome(session: Session) {
    const { config, epoch } = this.#parts;
    return {
      sessionId: String(session.no),
      userId: session.userId,
      storeEpoch: epoch(),
      serverTimeMs: BigInt(this.#clock.wallMs()),
      pingIntervalMs: config.pingIntervalMs,
      ackIntervalMs: config.ackIntervalMs,
      ackBytes: config.ackBytes,
      maxFrameBytes: check.limits.frameBytes,
      maxCommands: check.limits.commands,
      maxTextLength: check.limits.textLength,
      maxPageSize: check.limits.pageSize,
    };
  }

  #queue(session: Session, encoded: Uint8Array): void {
    if (session.state !== 'closed') this.#flusher.queue(session, encoded);
  }

  /** Ends a session: it is told why, and the door closes it once that is written. */
  #end(session: Session, fault: Fault, replyTo = 0): void {
    if (session.state === 'closed') return;
    this.meters.close(fault.reason);
    this.#queue(session, fragment(replyTo, { case: 'error', value: errorOf(fault) }));
    this.#queue(session, fragment(0, { case: 'kicked', value: kickedOf(fault) }));
    this.#flusher.flush();
    this.#gone(session);
    session.outlet.close(session.doorSession, fault.spec.closeCode, fault.reason);
  }

  #endAll(fault: Fault): void {
    for (const session of [...this.#sessions.values()]) this.#end(session, fault);
  }

  #gone(session: Session): void {
    if (session.state === 'closed') return;
    const registered = session.state === 'registering' || session.state === 'open';
    session.state = 'closed';
    session.waiting = [];
    session.onRegistered();
    this.#sessions.delete(session.no);
    this.meters.gone(session.info.transport);
    if (!registered) return;
    this.#watches.replace(session, new Set());
    this.#rooms.leave(session);
    const own = this.#byUser.get(session.userId);
    own?.delete(session);
    if (own?.size === 0) this.#byUser.delete(session.userId);
    this.#messages.send({ t: 'sessionDown', session: session.no });
  }

  #pushed(frame: Exclude<OwnerFrame, { t: 'reply' } | { t: 'refused' }>): void {
    switch (frame.t) {
      case 'entry':
        this.#rooms.entry(frame);
        return;
      case 'audience':
        this.#rooms.audience(frame);
        return;
      case 'registered':
        this.#sessions.get(frame.session)?.markRegistered();
        return;
      case 'superseded': {
        const session = this.#sessions.get(frame.session);
        const fault = new Fault('superseded', { message: 'a newer session of this device was opened' });
        if (session !== undefined) this.#end(session, fault);
        return;
      }
      case 'cursor':
        this.#cursor(frame);
        return;
      case 'receipts':
      case 'typing':
        this.#toRoom(frame);
        return;
      case 'presence':
        for (const session of this.#watches.of(frame.userId)) this.#commands.presence(session, frame);
    }
  }

  #cursor({ convId, userId, deliveredSeq, readSeq, to }: Extract<OwnerFrame, { t: 'cursor' }>): void {
    const value = { convId, userId, deliveredSeq: BigInt(deliveredSeq), readSeq: BigInt(readSeq) };
    const encoded = fragment(0, { case: 'cursor', value });
    for (const user of to)
      for (const session of this.#byUser.get(user) ?? []) this.#toReceptive(session, encoded);
  }

  #toRoom(frame: Extract<OwnerFrame, { t: 'receipts' | 'typing' }>): void {
    const room = this.#rooms.byAudience(frame.audience);
    if (room === undefined) return;
    const { convId } = frame;
    const encoded =
      frame.t === 'typing'
        ? fragment(0, { case: 'typing', value: { convId, userId: frame.userId, active: frame.active } })
        : fragment(0, {
            case: 'receipts',
            value: { convId, seq: BigInt(frame.seq), delivered: frame.delivered, read: frame.read },
          });
    for (const { session, lastSeq } of room.deliveries) {
      if (lastSeq > 0 || (frame.t === 'typing' && session.userId === frame.userId)) continue;
      this.#toReceptive(session, encoded);
    }
  }

  /** What is only worth something now isn't kept for sessions that lag. */
  #toReceptive(session: Session, encoded: Uint8Array): void {
    if (session.state === 'open' && session.receptive) this.#queue(session, encoded);
  }

  #acknowledge(session: Session, convId: ConvId, seq: number): boolean {
    const delivery = session.deliveries.get(convId);
    if (delivery === undefined) return false;
    if (seq > delivery.room.last) {
      throw new Fault('beyondHead', { message: `the log ends at ${delivery.room.last}`, field: 'ack.seq' });
    }
    session.unackedBytes -= delivery.acknowledge(seq);
    if (session.overWindow && session.unackedBytes <= this.#config.windowBytes / 2) {
      session.overWindow = false;
      this.#catchUp(session);
    }
    if (this.#delivered.push({ convId, userId: session.userId, seq }) === 1) this.#flusher.schedule();
    return true;
  }

  /** Before each flush: what waits for rooms goes to their sessions, acknowledgements go to the owner. */
  #collect(): void {
    this.meters.deliveries += this.#rooms.flush((delivery, encoded, to) => this.#push(delivery, encoded, to));
    if (this.#delivered.length === 0) return;
    const items = this.#delivered;
    this.#delivered = [];
    this.#messages.send({ t: 'delivered', items }, 64 * items.length);
  }

  #push(delivery: Delivery, encoded: Uint8Array, to: number): boolean {
    const { session } = delivery;
    if (!session.receptive) {
      session.lagging.add(delivery);
      return false;
    }
    delivery.sentSeq = to;
    delivery.bytes += encoded.byteLength;
    session.unackedBytes += encoded.byteLength;
    this.#flusher.queue(session, encoded);
    if (session.unackedBytes > this.#config.windowBytes) {
      session.overWindow = true;
      this.meters.slowConsumers += 1;
    }
    return true;
  }

  /** The session takes pushes again: what was held back is named, and the client fetches it at its pace. */
  #catchUp(session: Session): void {
    if (!session.receptive || session.lagging.size === 0) return;
    for (const delivery of session.lagging) {
      const from = Math.max(delivery.sentSeq + 1, delivery.firstSeq);
      if (from <= delivery.end) this.#gap(delivery, from, delivery.end);
      delivery.sentSeq = Math.max(delivery.sentSeq, delivery.end);
    }
    session.lagging.clear();
  }

  #gap({ session, room }: Delivery, from: number, to: number): void {
    const value = { convId: room.convId, fromSeq: BigInt(from), toSeq: BigInt(to) };
    this.#queue(session, fragment(0, { case: 'gap', value }));
  }

  #redeliver(): void {
    redeliver(this.#rooms.active, {
      clock: this.#clock,
      afterMs: this.#config.redeliverAfterMs,
      announce: (delivery, from, to) => {
        this.meters.redeliveries += 1;
        if (delivery.session.receptive) this.#gap(delivery, from, to);
      },
      giveUp: ({ session }) =>
        this.#end(session, new Fault('unacknowledged', { message: 'nothing is acknowledged' })),
    });
  }

  #tick(): void {
    this.#messages.expire();
    const nowMs = this.#clock.monotonicMs();
    const wallMs = this.#clock.wallMs();
    for (const session of [...this.#sessions.values()]) {
      const fault = this.#overdue(session, nowMs, wallMs);
      if (fault !== undefined) this.#end(session, fault);
    }
  }

  #overdue(session: Session, nowMs: number, wallMs: number): Fault | undefined {
    const { helloTimeoutMs, pingIntervalMs, slowConsumerMs } = this.#config;
    if (session.state !== 'open') {
      const late = nowMs - session.openedAtMs > helloTimeoutMs;
      return late ? new Fault('helloTimeout', { message: 'no hello in time' }) : undefined;
    }
    if (session.pausedAtMs > 0 && nowMs - session.pausedAtMs > slowConsumerMs) {
      return new Fault('slowConsumer', { message: 'nothing is read' });
    }
    if (nowMs - session.heardAtMs > 3 * pingIntervalMs)
      return new Fault('silent', { message: 'nothing is heard' });
    if (wallMs > session.expiresAtMs) return new Fault('tokenExpired', { message: 'the token has expired' });
    return undefined;
  }
}

function kickedOf(fault: Fault) {
  return {
    reason: fault.reason,
    closeCode: fault.spec.closeCode,
    reconnect: fault.reconnect,
    message: fault.message,
  };
}
