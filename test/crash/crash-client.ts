import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Error as Refusal, Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import {
  type Changes,
  type Command,
  CommandSchema,
  type Cursor,
  type Entries,
  type Event,
  KnownConversationSchema,
  type Sent,
} from '../../gen/parley/chat/v1/session_pb.ts';
import type { ParleyPorts } from '../../bench/targets/parley.ts';
import type { ClientEvent, ClientLog, SeenEntry } from '../checker/log.ts';
import { KnownLog } from './known-log.ts';
import { Outbox, type Pending } from './outbox.ts';
import { seenEntry } from './seen.ts';
import type { Wire, WireKind } from './wire.ts';
import { openWire } from './wires.ts';

type CommandOf = NonNullable<MessageInitShape<typeof CommandSchema>['command']>;
type EventOf = Event['event'];

const reconnectAfterMs = 30;
const acknowledgeEveryMs = 100;
const pageSize = 200;
/** Newest entries that a sync brings along for each conversation. */
const syncEntries = 10;

export interface CrashClientOptions {
  readonly user: string;
  readonly kind: WireKind;
  readonly ports: ParleyPorts;
  /** Which start of the server this is. */
  readonly run: () => number;
}

/** Where a send goes: a conversation, by its id or, for the first message to a user, by the user. */
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
  readonly kind: WireKind;
  readonly events: ClientEvent[] = [];
  /** Called when an own send got its final answer. */
  onSettled: () => void = () => {};
  /** Called with each acknowledgement, when it came. */
  onSent: (msgId: bigint) => void = () => {};
  readonly #options: CrashClientOptions;
  readonly #outbox = new Outbox();
  readonly #known = new Map<string, KnownLog>();
  readonly #replies = new Map<number, (event: EventOf) => void>();
  readonly #fetching = new Set<string>();
  #wire: Wire | undefined;
  #epoch = '';
  #lastId = 0;
  #lastClientId = 0;
  #signedIn = false;
  #inSync = false;
  #stopped = false;
  #acknowledging: NodeJS.Timeout | undefined;

  constructor(options: CrashClientOptions) {
    this.#options = options;
    this.user = options.user;
    this.kind = options.kind;
  }

  start(): void {
    this.#connect();
    this.#acknowledging = setInterval(() => this.#acknowledge(), acknowledgeEveryMs);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#acknowledging);
    this.#wire?.close();
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

  /** Everything sent is answered, everything that exists is here. */
  get settled(): boolean {
    return this.#inSync && this.#outbox.size === 0 && [...this.#known.values()].every((log) => !log.hasHole);
  }

  /** Sends a message; it is sent again until it has its final answer. */
  send({ convId, to }: Destination, text: string): void {
    const clientId = `${this.user}-${++this.#lastClientId}`;
    const pending: Pending = { clientId, convId, to, text, commandId: 0 };
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
    this.#ask({ case: 'recall', value: { convId, seq: BigInt(own.seq), clientId } }, (event) => {
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
    this.#wire = openWire(this.kind, this.#options.ports, {
      event: (event) => this.#event(event),
      closed: () => this.#closed(),
    });
    this.#ask(
      { case: 'hello', value: { userId: this.user, deviceId: 'crash', protocolVersion: 1 } },
      (event) => this.#welcomed(event),
    );
  }

  #closed(): void {
    this.#wire = undefined;
    this.#signedIn = this.#inSync = false;
    this.#replies.clear();
    this.#fetching.clear();
    this.#outbox.disconnected();
    if (!this.#stopped) setTimeout(() => this.#connect(), reconnectAfterMs);
  }

  #welcomed(event: EventOf): void {
    if (event.case !== 'welcome') return this.#wire?.close();
    if (this.#epoch !== '' && this.#epoch !== event.value.storeEpoch)
      throw new Error('the store has another epoch, and nobody restored it');
    this.#epoch = event.value.storeEpoch;
    this.#signedIn = true;
    this.events.push({ t: 'connected', run: this.#options.run() });
    this.#sync();
    this.#pass(this.#outbox.all);
  }

  #sync(): void {
    const known = [...this.#known].map(([convId, log]) =>
      create(KnownConversationSchema, {
        convId,
        headSeq: BigInt(log.head),
        headMsgId: log.headMsgId,
        rev: log.rev,
        readSeq: BigInt(log.readSeq),
        deliveredSeq: BigInt(log.deliveredSeq),
        peerReadSeq: BigInt(log.peerReadSeq),
        peerDeliveredSeq: BigInt(log.peerDeliveredSeq),
      }),
    );
    const id = this.#ask(
      { case: 'sync', value: { storeEpoch: this.#epoch, known, entries: syncEntries } },
      (event) => {
        if (event.case !== 'changes') throw new Error(`sync was answered with ${describe(event)}`);
        if (event.value.done) this.#inSync = true;
        else this.#replies.set(id, (next) => this.#changes(next, id));
        this.#take(event.value);
      },
    );
  }

  #changes(event: EventOf, id: number): void {
    if (event.case !== 'changes') throw new Error(`sync was answered with ${describe(event)}`);
    if (event.value.done) this.#inSync = true;
    else this.#replies.set(id, (next) => this.#changes(next, id));
    this.#take(event.value);
  }

  #take(changes: Changes): void {
    for (const state of changes.conversations) {
      const log = this.#log(state.convId);
      if (state.startOver) throw new Error(`told to start over in ${state.convId}: its tail is lost`);
      log.rev = state.rev;
      this.#cursor('sync', log, {
        convId: state.convId,
        userId: this.user,
        deliveredSeq: state.deliveredSeq,
        readSeq: state.readSeq,
      });
      if (state.peer !== '')
        this.#cursor('sync', log, {
          convId: state.convId,
          userId: state.peer,
          deliveredSeq: state.peerDeliveredSeq,
          readSeq: state.peerReadSeq,
        });
      for (const entry of state.entries) this.#saw('fetched', state.convId, seenEntry(entry));
      log.end = Math.max(log.end, Number(state.headSeq));
      this.#fill(state.convId, log);
    }
  }

  /** Fetches what is missing, page by page, one conversation at a time each. */
  #fill(convId: string, log: KnownLog): void {
    if (!log.hasHole || !this.#signedIn || this.#fetching.has(convId)) return;
    this.#fetching.add(convId);
    const list = { convId, fromSeq: BigInt(log.head + 1), limit: pageSize, backward: false };
    this.#ask({ case: 'list', value: list }, (event) => {
      this.#fetching.delete(convId);
      if (event.case !== 'entries') throw new Error(`list of ${convId} was answered with ${describe(event)}`);
      this.#page(convId, log, event.value);
    });
  }

  #page(convId: string, log: KnownLog, page: Entries): void {
    const before = log.head;
    for (const entry of page.entries) {
      const seen = seenEntry(entry);
      if (seen.content.t === 'hidden') log.hiddenThrough(seen.content.throughSeq);
      else this.#saw('fetched', convId, seen);
    }
    // A former member's log ends before what came to everybody else.
    if (!page.more) log.end = Math.max(log.head, Number(page.headSeq));
    if (log.head === before && log.hasHole)
      throw new Error(`list of ${convId} brought nothing after ${before}`);
    this.#fill(convId, log);
  }

  #event(event: Event): void {
    const { replyTo } = event;
    if (replyTo !== 0) {
      const reply = this.#replies.get(replyTo);
      this.#replies.delete(replyTo);
      reply?.(event.event);
    } else this.#pushed(event.event);
  }

  #pushed(event: EventOf): void {
    switch (event.case) {
      case 'entry':
        return this.#live(event.value.convId, seenEntry(event.value));
      case 'gap': {
        const { convId, fromSeq, toSeq } = event.value;
        this.events.push({ t: 'gap', convId, fromSeq: Number(fromSeq), toSeq: Number(toSeq) });
        const log = this.#log(convId);
        log.end = Math.max(log.end, Number(toSeq));
        return this.#fill(convId, log);
      }
      case 'cursor':
        return this.#cursor('push', this.#log(event.value.convId), event.value);
      default:
        return;
    }
  }

  #live(convId: string, entry: SeenEntry): void {
    const log = this.#log(convId);
    const { content } = entry;
    if (content.t === 'membersAdded' && content.users.includes(this.user))
      log.beginAt(entry.seq, entry.msgId);
    this.#saw('entry', convId, entry);
    this.#fill(convId, log);
  }

  #saw(t: 'entry' | 'fetched', convId: string, entry: SeenEntry): void {
    this.events.push({ t, convId, entry });
    this.#log(convId).add(entry.seq, entry.msgId);
  }

  #cursor(
    way: 'push' | 'sync',
    log: KnownLog,
    cursor: Pick<Cursor, 'convId' | 'userId' | 'deliveredSeq' | 'readSeq'>,
  ): void {
    const { convId, userId: user } = cursor;
    const [deliveredSeq, readSeq] = [Number(cursor.deliveredSeq), Number(cursor.readSeq)];
    this.events.push({ t: 'cursor', way, convId, user, deliveredSeq, readSeq });
    if (user === this.user) {
      log.deliveredSeq = Math.max(log.deliveredSeq, deliveredSeq);
      log.readSeq = Math.max(log.readSeq, readSeq);
    } else {
      log.peerDeliveredSeq = Math.max(log.peerDeliveredSeq, deliveredSeq);
      log.peerReadSeq = Math.max(log.peerReadSeq, readSeq);
    }
  }

  #pass(sends: readonly Pending[]): void {
    const commands = sends.map((pending) => {
      const { clientId, convId, to, text } = pending;
      pending.commandId = this.#expect((event) => this.#answered(pending, event));
      const target =
        to === undefined
          ? ({ case: 'convId', value: convId } as const)
          : ({ case: 'to', value: to } as const);
      return command(pending.commandId, {
        case: 'send',
        value: { target, clientId, body: { content: { case: 'text', value: text } } },
      });
    });
    if (commands.length > 0) this.#wire?.send(commands);
  }

  #answered(pending: Pending, event: EventOf): void {
    pending.commandId = 0;
    if (event.case === 'sent') {
      this.#logSent(pending.clientId, event.value);
      this.#outbox.settled(pending);
      this.onSettled();
    } else if (event.case === 'error') this.#refused(pending, event.value);
    else throw new Error(`send was answered with ${describe(event)}`);
    const again = this.#outbox.readyAgain(pending.convId);
    if (again.length > 0) setTimeout(() => this.#again(pending.convId), 20);
  }

  #again(convId: string): void {
    if (this.#signedIn) this.#pass(this.#outbox.readyAgain(convId));
  }

  #refused(pending: Pending, refusal: Refusal): void {
    if (refusal.retry === Retry.ELSEWHERE) return this.#wire?.close();
    if (refusal.retry === Retry.HERE) return;
    const { convId, clientId } = pending;
    this.events.push({ t: 'refused', convId, clientId, reason: refusal.reason });
    this.#outbox.settled(pending);
    this.onSettled();
  }

  #logSent(clientId: string, { convId, seq, msgId }: Sent): void {
    this.onSent(msgId);
    // Whoever writes has read: the server moves the cursor, and the device remembers it.
    const log = this.#log(convId);
    log.readSeq = Math.max(log.readSeq, Number(seq));
    this.events.push({ t: 'sent', convId, clientId, seq: Number(seq), msgId });
  }

  #acknowledge(): void {
    if (!this.#inSync) return;
    const items = [...this.#known]
      .filter(([, log]) => log.head > log.ackedSeq)
      .map(([convId, log]) => {
        log.ackedSeq = log.deliveredSeq = log.head;
        return { convId, seq: BigInt(log.head) };
      });
    const [first] = items;
    if (first === undefined) return;
    const read = this.#log(first.convId);
    read.readSeq = Math.max(read.readSeq, Number(first.seq));
    this.#wire?.send([
      command(0, { case: 'ack', value: { items } }),
      command(0, { case: 'read', value: first }),
    ]);
  }

  #log(convId: string): KnownLog {
    let log = this.#known.get(convId);
    if (log === undefined) {
      log = new KnownLog();
      this.#known.set(convId, log);
    }
    return log;
  }

  #ask(asked: CommandOf, reply: (event: EventOf) => void): number {
    const id = this.#expect(reply);
    this.#wire?.send([command(id, asked)]);
    return id;
  }

  #expect(reply: (event: EventOf) => void): number {
    this.#lastId = (this.#lastId % 0x7fff_ffff) + 1;
    this.#replies.set(this.#lastId, reply);
    return this.#lastId;
  }
}

const command = (id: number, asked: CommandOf): Command => create(CommandSchema, { id, command: asked });

function describe(event: EventOf): string {
  return event.case === 'error' ? `${event.value.reason}: ${event.value.message}` : String(event.case);
}
