import { type Error as Refusal, Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import type { Sent } from '../../gen/parley/chat/v1/session_pb.ts';
import type { ClientEvent, ClientLog } from '../checker/log.ts';
import { command, CrashSession, describe, type EventOf } from './crash-session.ts';
import { Outbox, type Pending } from './outbox.ts';
import { type Hole, Replica } from './replica.ts';
import { seenEntry } from './seen.ts';
import type { Doors } from './site.ts';
import type { WireKind } from './wire.ts';

const reconnectAfterMs = 30;
const sendAgainAfterMs = 20;
const acknowledgeEveryMs = 100;
const pageSize = 200;
/** Newest entries that a sync brings along for each conversation. */
const syncEntries = 10;
/** Of the story of one send, at most. */
const storyLines = 60;

export interface CrashClientOptions {
  readonly user: string;
  readonly kind: WireKind;
  /** Empty: it signs in by its name alone, as development has it. */
  readonly token: string;
  /** The doors to connect by, asked each time. */
  readonly ports: () => Doors;
  /** Which start of the server this is. */
  readonly run: () => number;
  /** How often the store was restored so far: so often it may have another epoch. */
  readonly restores?: () => number;
}

/** Where a send goes: a conversation, by its id or, where it is a direct one, by the user. */
export interface Destination {
  readonly convId: string;
  readonly to: string | undefined;
}

/**
 * A client that goes on whatever happens to the server: connects again, syncs, sends again what was not answered under
 * the same client ids, fills holes, acknowledges. It writes down what it did and saw, for the checker.
 */
export class CrashClient implements ClientLog {
  readonly user: string;
  readonly events: ClientEvent[] = [];
  /** Called when an own send got its final answer. */
  onSettled: () => void = () => {};
  /** Called with each acknowledgement, when it came. */
  onSent: (msgId: bigint) => void = () => {};
  /** Called with each refusal that is not for good. */
  onPostponed: (clientId: string, reason: string) => void = () => {};
  /** Called with how long an own send took until its acknowledgement, in milliseconds, tries and reconnects included. */
  onAnswered: (ms: number, clientId: string) => void = () => {};
  readonly #options: CrashClientOptions;
  readonly #outbox = new Outbox();
  #replica: Replica;
  readonly #fetching = new Set<string>();
  #session: CrashSession | undefined;
  #epoch = '';
  #startedOver = 0;
  #lastClientId = 0;
  #signedIn = false;
  #inSync = false;
  #stopped = false;
  #acknowledging: NodeJS.Timeout | undefined;
  /** What became of sends that were not taken at the first try. */
  readonly #stories = new Map<string, string[]>();
  #connections = 0;
  /** What it was answered that it must not be. */
  #broken: Error | undefined;

  constructor(options: CrashClientOptions) {
    this.#options = options;
    this.user = options.user;
    this.#replica = this.#newReplica();
  }

  #newReplica(): Replica {
    const { user, events } = this;
    const replica: Replica = new Replica({
      user,
      events,
      onHole: (hole) => {
        // One that was thrown away may still be waiting to ask again.
        if (replica === this.#replica) this.#fetch(hole);
      },
    });
    return replica;
  }

  /** Times that it was told of another epoch, and forgot what it knew. */
  get startedOver(): number {
    return this.#startedOver;
  }

  start(): void {
    this.#connect();
    this.#acknowledging = setInterval(() => this.#acknowledge(), acknowledgeEveryMs);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#acknowledging);
    this.#session?.close();
  }

  /** After `stop`: goes on as before. */
  comeBack(): void {
    this.#stopped = false;
    if (this.#session === undefined) this.start();
  }

  /** Reads nothing more on the connection that it has; one that comes after it is read. */
  stopReading(): void {
    this.#session?.pause();
  }

  readOn(): void {
    this.#session?.resume();
  }

  /** Sends under way on the open connection. */
  get inFlight(): number {
    return this.#outbox.inFlight;
  }

  get unanswered(): number {
    return this.#outbox.size;
  }

  get online(): boolean {
    return this.#signedIn;
  }

  /** Throws what an answer has led to that must not be. */
  assertSound(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  /** Everything sent is answered, everything that exists is here. Throws as `assertSound`. */
  get settled(): boolean {
    this.assertSound();
    return this.#inSync && this.#outbox.size === 0 && this.#replica.whole;
  }

  /** What became of a send, for whoever asks why. */
  storyOf(clientId: string): string {
    return `${clientId} by ${this.#options.kind}: ${this.#stories.get(clientId)?.join(', ') ?? 'taken at once'}`;
  }

  /** What is not answered, for whoever asks why. */
  get waiting(): string {
    const now = performance.now();
    const sends = this.#outbox.all.map(
      ({ clientId, convId, commandId, madeAtMs, refusedAs }) =>
        `${clientId} into ${convId} for ${Math.round(now - madeAtMs)} ms, ${commandId === 0 ? 'not under way' : `command ${commandId}`}${refusedAs === '' ? '' : `, refused as ${refusedAs}`}`,
    );
    return `${this.user} by ${this.#options.kind}, ${this.#signedIn ? 'signed in' : 'not signed in'}${this.#inSync ? '' : ', not in sync'}; ${this.#session?.standing ?? 'no connection'}: ${sends.join('; ')}`;
  }

  /** Sends a message; it is sent again until it has its final answer. */
  send({ convId, to }: Destination, text: string): void {
    const clientId = `${this.user}-${++this.#lastClientId}`;
    const pending: Pending = {
      clientId,
      convId,
      to,
      text,
      madeAtMs: performance.now(),
      commandId: 0,
      refusedAs: '',
    };
    this.events.push({ t: 'send', convId, clientId, text });
    const blocked = this.#outbox.isBlocked(convId);
    this.#outbox.add(pending);
    if (this.#signedIn && !blocked) this.#pass([pending]);
  }

  /** Recalls the newest own message of a conversation, if there is one and it can be asked for now. */
  recall(convId: string): void {
    const own = this.events.findLast((event) => event.t === 'sent' && event.convId === convId);
    if (own?.t !== 'sent' || !this.#signedIn) return;
    const clientId = `${this.user}-r${++this.#lastClientId}`;
    const value = { convId, seq: BigInt(own.seq), clientId };
    this.#session?.ask({ case: 'recall', value }, (event) => {
      if (event.case === 'sent') this.#logSent(clientId, event.value);
    });
  }

  /** Asks for whatever may be missing; `settled` says when it is here. */
  resync(): void {
    this.#inSync = false;
    this.#sync();
  }

  #connect(): void {
    if (this.#stopped) return;
    const { kind, ports, token } = this.#options;
    this.#session = new CrashSession({
      kind,
      ports: ports(),
      pushed: (event) => this.#pushed(event),
      closed: () => this.#closed(),
      failed: (error) => {
        this.#broken ??= error instanceof Error ? error : new Error(String(error));
      },
    });
    const hello = { userId: this.user, token, deviceId: 'crash', protocolVersion: 1 };
    this.#session.ask({ case: 'hello', value: hello }, (event) => this.#welcomed(event));
  }

  #closed(): void {
    this.#session = undefined;
    this.#signedIn = this.#inSync = false;
    this.#fetching.clear();
    for (const { clientId } of this.#outbox.all) this.#note(clientId, 'connection lost');
    this.#outbox.disconnected();
    if (!this.#stopped) setTimeout(() => this.#connect(), reconnectAfterMs);
  }

  #welcomed(event: EventOf): void {
    if (event.case !== 'welcome') return this.#session?.close();
    this.#takeEpoch(event.value.storeEpoch);
    this.#signedIn = true;
    this.#connections += 1;
    for (const { clientId } of this.#outbox.all) this.#note(clientId, 'sent again');
    this.events.push({ t: 'connected', run: this.#options.run() });
    this.#sync();
    this.#pass(this.#outbox.all);
  }

  #takeEpoch(epoch: string): void {
    if (this.#epoch !== '' && this.#epoch !== epoch) {
      if (this.#startedOver >= (this.#options.restores?.() ?? 0))
        throw new Error('the store has another epoch, and nobody restored it');
      this.#startedOver += 1;
      this.events.push({ t: 'startedOver', epoch });
      this.#replica = this.#newReplica();
    }
    this.#epoch = epoch;
  }

  #sync(): void {
    const value = { storeEpoch: this.#epoch, known: this.#replica.known, entries: syncEntries };
    const page = (event: EventOf): void => {
      if (event.case === 'error') return this.#notNow('sync', event, () => this.#sync());
      if (event.case !== 'changes') throw new Error(`sync was answered with ${describe(event)}`);
      if (event.value.done) this.#inSync = true;
      else if (id !== undefined) this.#session?.expectMore(id, page);
      this.#replica.take(event.value);
    };
    const id = this.#session?.ask({ case: 'sync', value }, page);
  }

  /** Fetches a page of what is missing; one at a time for each conversation. */
  #fetch({ convId, fromSeq }: Hole): void {
    if (!this.#signedIn || this.#fetching.has(convId)) return;
    this.#fetching.add(convId);
    const list = { convId, fromSeq: BigInt(fromSeq), limit: pageSize, backward: false };
    this.#session?.ask({ case: 'list', value: list }, (event) => {
      this.#fetching.delete(convId);
      if (event.case === 'error')
        return this.#notNow(`list of ${convId}`, event, () => this.#fetch({ convId, fromSeq }));
      if (event.case !== 'entries') throw new Error(`list of ${convId} was answered with ${describe(event)}`);
      this.#replica.page(convId, event.value);
    });
  }

  /** What can't be answered now is asked again, here or by a new connection. */
  #notNow(what: string, event: EventOf & { case: 'error' }, again: () => void): void {
    const { retry } = event.value;
    if (retry === Retry.ELSEWHERE) return this.#session?.close();
    if (retry !== Retry.HERE) throw new Error(`${what} was answered with ${describe(event)}`);
    const session = this.#session;
    setTimeout(() => {
      if (this.#session === session && this.#signedIn) again();
    }, sendAgainAfterMs);
  }

  #pushed(event: EventOf): void {
    switch (event.case) {
      case 'entry':
        return this.#replica.live(event.value.convId, seenEntry(event.value));
      case 'gap':
        return this.#replica.gap(event.value.convId, Number(event.value.fromSeq), Number(event.value.toSeq));
      case 'cursor':
        return this.#replica.cursor('push', event.value);
      case 'draining':
        return this.#leave(event.value.delayMs);
      default:
        return;
    }
  }

  /** The node goes away: another connection takes the place of this one. */
  #leave(delayMs: number): void {
    const session = this.#session;
    setTimeout(() => {
      if (this.#session === session) session?.close();
    }, delayMs);
  }

  #pass(sends: readonly Pending[]): void {
    const session = this.#session;
    if (session === undefined || sends.length === 0) return;
    session.send(
      sends.map((pending) => {
        const { clientId, convId, to, text } = pending;
        pending.commandId = session.expect((event) => this.#answered(pending, event));
        const target =
          to === undefined
            ? ({ case: 'convId', value: convId } as const)
            : ({ case: 'to', value: to } as const);
        const body = { content: { case: 'text', value: text } } as const;
        return command(pending.commandId, { case: 'send', value: { target, clientId, body } });
      }),
    );
  }

  #answered(pending: Pending, event: EventOf): void {
    pending.commandId = 0;
    if (event.case === 'sent') {
      if (this.#stories.has(pending.clientId)) this.#note(pending.clientId, `taken as ${event.value.seq}`);
      this.#logSent(pending.clientId, event.value);
      this.onAnswered(performance.now() - pending.madeAtMs, pending.clientId);
      this.#settled(pending);
    } else if (event.case === 'error') this.#refused(pending, event.value);
    else throw new Error(`send was answered with ${describe(event)}`);
    const { convId } = pending;
    if (this.#outbox.readyAgain(convId).length > 0) setTimeout(() => this.#again(convId), sendAgainAfterMs);
  }

  #again(convId: string): void {
    if (this.#signedIn) this.#pass(this.#outbox.readyAgain(convId));
  }

  #note(clientId: string, what: string): void {
    const story = this.#stories.get(clientId) ?? [];
    this.#stories.set(clientId, story);
    const at = `${Math.round(performance.now())} ms, connection ${this.#connections}: ${what}`;
    if (story.length < storyLines) story.push(at);
  }

  #refused(pending: Pending, { retry, reason, message }: Refusal): void {
    pending.refusedAs = reason;
    this.#note(pending.clientId, `${reason} (${message})`);
    if (retry !== Retry.NEVER) this.onPostponed(pending.clientId, reason);
    if (retry === Retry.ELSEWHERE) return this.#session?.close();
    if (retry === Retry.HERE) return;
    const { convId, clientId } = pending;
    this.events.push({ t: 'refused', convId, clientId, reason });
    this.#settled(pending);
  }

  #settled(pending: Pending): void {
    this.#outbox.settled(pending);
    this.onSettled();
  }

  #logSent(clientId: string, { convId, seq, msgId }: Sent): void {
    this.onSent(msgId);
    // Whoever writes has read: the server moves the cursor, and the device remembers it.
    this.#replica.read(convId, Number(seq));
    this.events.push({ t: 'sent', convId, clientId, seq: Number(seq), msgId });
  }

  #acknowledge(): void {
    if (!this.#inSync) return;
    const items = this.#replica.acknowledge();
    const [first] = items;
    if (first === undefined) return;
    this.#replica.read(first.convId, Number(first.seq));
    this.#session?.send([
      command(0, { case: 'ack', value: { items } }),
      command(0, { case: 'read', value: first }),
    ]);
  }
}
