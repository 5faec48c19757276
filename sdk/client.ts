import type { Event, Welcome } from '../gen/parley/chat/v1/session_pb.ts';
import { Alarm } from './alarm.ts';
import { Changes } from './changes.ts';
import { type ClientClock, systemClientClock } from './clock.ts';
import { directConvId } from './direct-id.ts';
import { deviceActions } from './device-actions.ts';
import { groupActions } from './group-actions.ts';
import { type ClientLimits, defaultLimits } from './limits.ts';
import { Notices } from './notices.ts';
import { Outgoing } from './outgoing.ts';
import type { QueuedSend } from './pending.ts';
import type { PresenceState } from './presence.ts';
import { offline } from './refusal.ts';
import { Replica } from './replica.ts';
import { withRetries } from './retries.ts';
import { Saver } from './saver.ts';
import { Session } from './session.ts';
import type { ClientStorage } from './storage.ts';
import { Tokens, type TokenSource } from './tokens.ts';
import type { Transport } from './transport.ts';
import {
  type ChatClient,
  ChatError,
  type ConnectionState,
  type ConversationLog,
  type ConversationSummary,
  type DeviceActions,
  type GroupActions,
  type Unsubscribe,
} from './types.ts';
import type { UnaryCall } from './unary-call.ts';
import { uniqueId } from './unique-id.ts';

/** Who signs in: `userId` in development, `token` or `getToken` (asked again before it expires) elsewhere. */
export interface ChatClientOptions extends TokenSource {
  readonly transport: Transport;
  readonly storage: ClientStorage;
  /** Default: the storage's. */
  readonly deviceId?: string;
  readonly clock?: ClientClock;
  /** In [0, 1), for jitter. */
  readonly random?: () => number;
  /** Client ids; default: 126 random bits. */
  readonly newId?: () => string;
  readonly limits?: Partial<ClientLimits>;
  /** Storing failed: the client goes on, and a reload will know less. */
  readonly onStorageError?: (error: unknown) => void;
}

/** A client on one transport and one storage; see ChatClient. */
export function createChatClient(options: ChatClientOptions): ChatClient {
  return new Client(options);
}

/** Before Welcome says it. */
const defaultMaxTextLength = 20_000;

class Client implements ChatClient {
  readonly groups: GroupActions;
  readonly devices: DeviceActions;
  readonly #transport: Transport;
  readonly #storage: ClientStorage;
  readonly #clock: ClientClock;
  readonly #newId: () => string;
  readonly #onStorageError: (error: unknown) => void;
  readonly #changes: Changes;
  readonly #tokens: Tokens;
  readonly #session: Session;
  readonly #outgoing: Outgoing;
  readonly #replica: Replica;
  readonly #notices: Notices;
  readonly #saver: Saver;
  readonly #alarm: Alarm;
  readonly #logs = new Map<string, ConversationLog>();
  #userId: string;
  #state: ConnectionState = { t: 'idle' };
  #maxTextLength = defaultMaxTextLength;
  #loaded: Promise<void> | undefined;
  #closed = false;

  constructor(options: ChatClientOptions) {
    const { clock = systemClientClock, random = Math.random, transport, storage } = options;
    const limits = { ...defaultLimits, ...options.limits };
    this.#transport = transport;
    this.#storage = storage;
    this.#clock = clock;
    this.#newId = options.newId ?? uniqueId;
    this.#onStorageError = options.onStorageError ?? (() => undefined);
    this.#userId = options.userId ?? '';
    this.#changes = new Changes({ clock });
    this.#tokens = new Tokens({ source: options, clock });
    this.#alarm = new Alarm({ clock, ring: () => this.#ring() });
    this.#session = new Session({
      transport,
      clock,
      random,
      renewable: this.#tokens.renewable,
      deviceId: options.deviceId ?? storage.deviceId,
      listener: {
        credentials: () => this.#tokens.credentials(true),
        onOpening: () => this.#replica.opening(),
        onWelcome: (welcome) => this.#welcomed(welcome),
        onEvent: (event) => this.#event(event),
        onFrame: (bytes) => this.#received(bytes),
        onLost: () => this.#lost(),
        onState: () => this.#stateChanged(),
      },
    });
    this.#outgoing = new Outgoing({
      self: this.#userId,
      session: this.#session,
      storage,
      clock,
      random,
      maxPending: limits.pendingSends,
      listener: {
        onResumed: (send) => this.#resumed(send),
        onPending: (convId) => this.#pendingChanged(convId),
        onMissing: (convId, seq) => this.#replica.overdue(convId, seq),
        onStorageError: this.#onStorageError,
      },
    });
    this.#replica = new Replica({
      self: this.#userId,
      clock,
      random,
      limits,
      session: this.#session,
      outgoing: this.#outgoing,
      changes: this.#changes,
      onLog: (convId) => this.#logChanged(convId),
    });
    this.#notices = new Notices({ clock, session: this.#session });
    this.#saver = new Saver({
      clock,
      storage,
      conversations: this.#replica.conversations,
      onError: this.#onStorageError,
    });
    const call: UnaryCall = (method, request) =>
      withRetries(async () => transport.unary(method, request, await this.#tokens.credentials(false)), {
        clock,
        random,
      });
    this.groups = groupActions(call);
    this.devices = deviceActions(call, () => options.deviceId ?? storage.deviceId);
    storage.onAdopted((sends) => this.#resume(sends));
  }

  get userId(): string {
    return this.#userId;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get conversations(): readonly ConversationSummary[] {
    return this.#replica.conversations.list();
  }

  start(): void {
    this.#loaded ??= this.#load();
    void this.#loaded.then(() => {
      if (this.#closed) return;
      this.#session.dispatch({ t: 'start' });
      this.#arm();
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#session.dispatch({ t: 'stop', reason: 'closed' });
    this.#alarm.stop();
    await this.#loaded;
    await this.#saver.save();
    this.#transport.close();
    await this.#storage.close().catch(this.#onStorageError);
  }

  reconnectNow(): void {
    this.#session.dispatch({ t: 'reconnect' });
    this.#arm();
  }

  onChange(listener: () => void): Unsubscribe {
    return this.#changes.onChange(listener);
  }

  onLog(convId: string, listener: () => void): Unsubscribe {
    const unsubscribe = this.#changes.onLog(convId, listener);
    this.#watched(convId);
    return () => {
      unsubscribe();
      this.#watched(convId);
    };
  }

  log(convId: string): ConversationLog {
    let log = this.#logs.get(convId);
    if (log === undefined) {
      const conversation = this.#replica.conversations.get(convId);
      log = {
        convId,
        items: conversation?.log.items ?? [],
        pending: this.#outgoing.list(convId),
        hasOlder: conversation?.log.hasOlder ?? false,
        loadingOlder: conversation?.loadingOlder ?? false,
        stored: conversation?.stored ?? false,
      };
      this.#logs.set(convId, log);
    }
    return log;
  }

  loadOlder(convId: string): Promise<void> {
    return this.#replica.loadOlder(convId);
  }

  send(convId: string, text: string): string {
    if (text === '') throw new ChatError('emptyContent', 'there is nothing to send');
    if (text.length > this.#maxTextLength)
      throw new ChatError('contentTooLarge', `longer than ${this.#maxTextLength} characters`);
    const clientId = this.#newId();
    const conversation = this.#replica.conversations.get(convId);
    this.#outgoing.send({ clientId, convId, peer: conversation?.peer ?? '', text });
    if (conversation !== undefined) conversation.activeAtMs = this.#clock.wallMs();
    // Those who see the message know that the typing is over.
    this.#replica.typing.say(convId, false, this.#clock.monotonicMs());
    this.#pendingChanged(convId);
    this.#arm();
    return clientId;
  }

  retry(clientId: string): void {
    this.#outgoing.retry(clientId);
    this.#arm();
  }

  discard(clientId: string): void {
    this.#outgoing.discard(clientId);
    this.#arm();
  }

  async direct(peer: string): Promise<string> {
    if (this.#userId === '') throw offline();
    const convId = directConvId(this.#userId, peer);
    const conversation = this.#replica.conversations.ensure(convId, peer);
    if (conversation.activeAtMs === 0) conversation.activeAtMs = this.#clock.wallMs();
    this.#pendingChanged(convId);
    return convId;
  }

  markRead(convId: string, seq: number): void {
    const told = this.#replica.markRead(convId, seq);
    if (told === 0) return;
    this.#notices.read(convId, told);
    this.#arm();
  }

  typing(convId: string, active: boolean): void {
    if (!this.#session.online) return;
    if (this.#replica.typing.say(convId, active, this.#clock.monotonicMs()))
      this.#session.tell({ case: 'typing', value: { convId, active } });
  }

  async recall(convId: string, seq: number): Promise<void> {
    // A message is taken back once, however often it is asked for.
    const clientId = `recall-${seq}`;
    await this.#session.request({ case: 'recall', value: { convId, seq: BigInt(seq), clientId } });
  }

  presence(userId: string): PresenceState | undefined {
    const known = this.#notices.presence(userId);
    if (known === undefined) this.#arm();
    return known;
  }

  async #load(): Promise<void> {
    try {
      const stored = await this.#storage.load();
      if (this.#userId === '' && stored.userId !== '') this.#belongTo(stored.userId);
      if (stored.userId === this.#userId) {
        this.#replica.knownAs(stored.epoch);
        this.#replica.conversations.restore(stored.conversations);
      }
      this.#resume(stored.pending);
    } catch (error) {
      this.#onStorageError(error);
    }
    this.#logs.clear();
    this.#changes.touch();
  }

  /** Sends of an earlier run, or of a device that is gone. */
  #resume(sends: readonly QueuedSend[]): void {
    this.#outgoing.resume(sends);
    this.#arm();
  }

  /** The conversation of a send that is to go out is shown, whether the server knows of it yet or not. */
  #resumed({ convId, peer, createdAtMs }: QueuedSend): void {
    if (peer === '') return;
    const conversation = this.#replica.conversations.ensure(convId, peer);
    conversation.activeAtMs = Math.max(conversation.activeAtMs, createdAtMs);
  }

  #belongTo(userId: string): void {
    this.#userId = userId;
    this.#replica.belongTo(userId);
    this.#outgoing.belongTo(userId);
  }

  #welcomed(welcome: Welcome): void {
    if (welcome.userId !== this.#userId) {
      // What was known is another user's.
      this.#belongTo(welcome.userId);
      this.#notices.void();
      this.#logs.clear();
    }
    if (welcome.storeEpoch !== this.#replica.epoch) {
      this.#replica.beginEpoch(welcome.storeEpoch);
      this.#outgoing.void();
      this.#notices.void();
      this.#logs.clear();
      this.#saver.reset({ userId: this.#userId, epoch: welcome.storeEpoch });
    }
    if (welcome.maxTextLength > 0) this.#maxTextLength = welcome.maxTextLength;
    this.#replica.welcomed(welcome);
    this.#outgoing.opened();
    this.#notices.opened();
    this.#tokens.serverTime(Number(welcome.serverTimeMs));
    this.#tokens.inUse();
    this.#arm();
  }

  #event(event: Event): void {
    if (event.event.case !== 'presence') return this.#replica.event(event);
    const { userId, online, lastSeenAtMs } = event.event.value;
    if (this.#notices.heard(userId, { online, lastSeenAtMs: Number(lastSeenAtMs) })) this.#changes.touch();
  }

  #received(bytes: number): void {
    this.#replica.received(bytes);
    this.#saver.touch();
    this.#arm();
  }

  #lost(): void {
    this.#replica.lost();
    this.#outgoing.closed();
    this.#notices.lost();
    this.#tokens.unused();
  }

  #stateChanged(): void {
    const state = this.#session.state;
    if (state.t === 'online') this.#state = { t: 'online', sessionId: state.sessionId };
    else if (state.t === 'connecting') this.#state = { t: 'connecting', attempt: state.attempt };
    else if (state.t === 'waiting') {
      const retryAtMs = this.#clock.wallMs() + state.retryAtMs - this.#clock.monotonicMs();
      this.#state = { t: 'waiting', retryAtMs, reason: state.reason };
    } else this.#state = state;
    this.#changes.touch();
    this.#arm();
  }

  #watched(convId: string): void {
    this.#replica.watched(convId);
    this.#logs.delete(convId);
    this.#arm();
  }

  #pendingChanged(convId: string): void {
    this.#replica.conversations.repaint(convId);
    this.#logChanged(convId);
  }

  #logChanged(convId: string): void {
    this.#logs.delete(convId);
    this.#changes.touchLog(convId);
    this.#saver.touch();
  }

  /** Sets the alarm to whatever is due next. */
  #arm(): void {
    if (this.#closed) return;
    const due = [this.#session, this.#replica, this.#outgoing, this.#notices, this.#saver, this.#tokens];
    let dueMs = Number.POSITIVE_INFINITY;
    for (const part of due) dueMs = Math.min(dueMs, part.dueMs());
    this.#alarm.by(dueMs);
  }

  #ring(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#session.dispatch({ t: 'tick' });
    this.#replica.tick(nowMs);
    this.#outgoing.tick(nowMs);
    this.#notices.tick(nowMs);
    this.#saver.tick(nowMs);
    void this.#renew(nowMs);
    this.#arm();
  }

  async #renew(nowMs: number): Promise<void> {
    const before = this.#state;
    const token = await this.#tokens.renew(nowMs);
    // Another session has fetched a token of its own.
    if (token === undefined || this.#state !== before) return;
    this.#session.tell({ case: 'auth', value: { token } });
    this.#tokens.inUse();
    this.#arm();
  }
}
