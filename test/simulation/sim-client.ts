import { type Error as Refusal, Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import type { Sent } from '../../gen/parley/chat/v1/session_pb.ts';
import type { ClientEvent, ClientLog } from '../checker/log.ts';
import { command, type EventOf } from '../crash/crash-session.ts';
import { Outbox, type Pending } from '../crash/outbox.ts';
import { type Hole, Replica } from '../crash/replica.ts';
import { seenEntry } from '../crash/seen.ts';
import { ClientSession } from './client-session.ts';
import type { Ground } from './ground.ts';
import { Actor } from './scheduler.ts';
import type { SimDoor } from './sim-door.ts';
import type { Witness } from './witness.ts';

export interface SimClientParts {
  readonly ground: Ground;
  readonly witness: Witness;
  readonly user: string;
  /** Unique among the user's devices. */
  readonly device: string;
  /** A door of a node that is there, if there is one. */
  readonly door: () => SimDoor | undefined;
}

/** A conversation, by its id or, where it is a direct one, by the other user. */
export interface Destination {
  readonly convId: string;
  readonly to: string | undefined;
}

/** What a client saw, and where a log ended when it was told by a sync. */
export type TimelineEvent =
  | ClientEvent
  | { readonly t: 'synced'; readonly convId: string; readonly headSeq: number };

const helloMs = 4_000;
const acknowledgeMs = 100;
const retryMs = 250;
/** Pages in a row that bring nothing, before a hole is taken for one that isn't there. */
const fruitless = 12;
const syncEntries = 3;

/**
 * A client that goes on whatever happens: connects again, anywhere, syncs, sends again what was not answered under the
 * same client ids and in its first order, fills holes, acknowledges. It writes down what it did and saw.
 */
export class SimClient implements ClientLog {
  readonly user: string;
  readonly device: string;
  readonly actor: Actor;
  readonly events: ClientEvent[] = [];
  readonly #parts: SimClientParts;
  readonly #outbox = new Outbox();
  readonly #replica: Replica;
  readonly #fetching = new Set<string>();
  readonly #fruitless = new Map<string, number>();
  readonly #announced = new Map<string, number>();
  readonly #answered: Pending[] = [];
  /** Where logs ended when a sync was answered, each with the number of events before it. */
  readonly #syncs: { readonly at: number; readonly convId: string; readonly headSeq: number }[] = [];
  readonly #skipped = new Set<string>();
  #session: ClientSession | undefined;
  #epoch = '';
  #sends = 0;
  #signedIn = false;
  #inSync = false;
  #acknowledging = false;

  constructor(parts: SimClientParts) {
    const { user, device, ground } = parts;
    this.#parts = parts;
    this.user = user;
    this.device = device;
    this.actor = new Actor(`${user}/${device}`);
    this.#replica = new Replica({ user, events: this.events, onHole: (hole) => this.#fetch(hole) });
    ground.scheduler.at(this.actor, 0, () => this.#connect());
  }

  /** Everything sent is answered, nothing known is missing. */
  get settled(): boolean {
    return this.#inSync && this.#outbox.size === 0 && this.#replica.whole && this.#fetching.size === 0;
  }

  get state(): string {
    const { size, inFlight } = this.#outbox;
    const holes = this.#replica.holes.join(', ');
    return `signed in ${this.#signedIn}, in sync ${this.#inSync}, ${size} sends (${inFlight} under way), lacks ${holes}`;
  }

  /** Whether a send was given up: it may be in the log all the same, in any place. */
  gaveUp(clientId: string): boolean {
    return this.#skipped.has(clientId);
  }

  /** What it saw, with what it was told by syncs. */
  get timeline(): TimelineEvent[] {
    const timeline: TimelineEvent[] = [];
    let next = 0;
    for (const [at, event] of this.events.entries()) {
      for (let sync = this.#syncs[next]; sync !== undefined && sync.at <= at; sync = this.#syncs[next]) {
        timeline.push({ t: 'synced', convId: sync.convId, headSeq: sync.headSeq });
        next += 1;
      }
      timeline.push(event);
    }
    return timeline;
  }

  headOf(convId: string): number {
    return this.#replica.headOf(convId);
  }

  get connection() {
    return this.#session?.connection;
  }

  /** Sends a message; it is sent again until it has its final answer. */
  say({ convId, to }: Destination): void {
    const clientId = `${this.device} of ${this.user} ${(this.#sends += 1)}`;
    const text = `text of ${clientId}`;
    const pending: Pending = { clientId, convId, to, text, madeAtMs: 0, commandId: 0, refusedAs: '' };
    this.events.push({ t: 'send', convId, clientId, text });
    const blocked = this.#outbox.isBlocked(convId);
    this.#outbox.add(pending);
    if (this.#signedIn && !blocked) this.#pass([pending]);
  }

  /** Gives up one of the sends that were refused for now. */
  skip(convId: string): void {
    if (!this.#signedIn) return;
    const refused = this.#outbox.all.find((one) => one.convId === convId && one.commandId === 0);
    if (refused === undefined) return;
    this.#outbox.settled(refused);
    this.#skipped.add(refused.clientId);
    const value = { target: { case: 'convId', value: convId }, clientId: refused.clientId } as const;
    this.#session?.send([command(0, { case: 'skip', value })]);
    this.#again(convId);
  }

  /** Sends again what was answered already: the answer has to be the same. */
  repeat(): void {
    if (!this.#signedIn || this.#answered.length === 0) return;
    const { convId, to, text, clientId } = this.#parts.ground.dice.pick(this.#answered);
    if (this.#outbox.isBlocked(convId)) return;
    const target =
      to === undefined ? ({ case: 'convId', value: convId } as const) : ({ case: 'to', value: to } as const);
    const body = { content: { case: 'text', value: text } } as const;
    this.#session?.ask({ case: 'send', value: { target, clientId, body } }, (event) => {
      if (event.case === 'sent') this.#logSent(clientId, event.value);
      // A repeat that was refused for now has its place in the chain; it is given up.
      else this.#session?.send([command(0, { case: 'skip', value: { target, clientId } })]);
    });
  }

  /** Recalls the newest own message of a conversation. */
  recall(convId: string): void {
    const own = this.#answered.findLast((one) => one.convId === convId);
    const sent = this.events.findLast((event) => event.t === 'sent' && event.clientId === own?.clientId);
    if (sent?.t !== 'sent' || !this.#signedIn) return;
    const clientId = `recall by ${this.device} of ${this.user} ${(this.#sends += 1)}`;
    this.#session?.ask({ case: 'recall', value: { convId, seq: BigInt(sent.seq), clientId } }, (event) => {
      if (event.case === 'sent') this.#logSent(clientId, event.value);
    });
  }

  /** The client goes away and comes again, here or elsewhere. */
  reconnect(): void {
    this.#session?.close();
    if (this.#session !== undefined) this.#closed();
  }

  #connect(): void {
    if (this.#session !== undefined) return;
    const door = this.#parts.door();
    if (door === undefined) {
      this.#later(200, () => this.#connect());
      return;
    }
    const session = new ClientSession({
      actor: this.actor,
      door,
      pushed: (event) => this.#pushed(event),
      closed: (code, reason) => {
        this.#parts.ground.trace(this.actor, `is closed: ${code} ${reason}`);
        this.#closed();
      },
    });
    this.#session = session;
    const hello = { userId: this.user, deviceId: this.device, protocolVersion: 1 };
    session.ask({ case: 'hello', value: hello }, (event) => this.#welcomed(event));
    this.#later(helloMs, () => {
      if (this.#session === session && !this.#signedIn) this.reconnect();
    });
  }

  #closed(): void {
    this.#session = undefined;
    this.#signedIn = this.#inSync = false;
    this.#fetching.clear();
    this.#outbox.disconnected();
    this.#later(this.#parts.ground.dice.between(10, 300), () => this.#connect());
  }

  #welcomed(event: EventOf): void {
    if (event.case !== 'welcome') return;
    if (this.#epoch !== '' && this.#epoch !== event.value.storeEpoch)
      throw new Error('the store has another epoch, and nobody restored it');
    this.#epoch = event.value.storeEpoch;
    this.#signedIn = true;
    this.#parts.ground.trace(this.actor, 'is welcome');
    this.events.push({ t: 'connected' });
    this.#sync();
    this.#pass(this.#outbox.all);
  }

  #sync(): void {
    const session = this.#session;
    if (session === undefined) return;
    const value = { storeEpoch: this.#epoch, known: this.#replica.known, entries: syncEntries };
    const page = (event: EventOf): void => {
      if (event.case === 'error') {
        this.#later(retryMs, () => this.#session === session && this.#sync());
        return;
      }
      if (event.case !== 'changes') throw new Error(`sync was answered with ${event.case}`);
      for (const { convId, headSeq } of event.value.conversations) {
        this.#heardOf(convId, Number(headSeq));
        this.#syncs.push({ at: this.events.length, convId, headSeq: Number(headSeq) });
      }
      if (event.value.done) this.#inSync = true;
      else session.expectMore(id, page);
      this.#witnessed(() => this.#replica.take(event.value));
      if (this.#inSync) this.#replica.fillHoles();
      this.#acknowledgeSoon();
    };
    const id = session.ask({ case: 'sync', value }, page);
  }

  /** Fetches a page of what is missing; one at a time for each conversation. */
  #fetch({ convId, fromSeq }: Hole): void {
    const session = this.#session;
    if (!this.#signedIn || session === undefined || this.#fetching.has(convId)) return;
    this.#fetching.add(convId);
    const list = { convId, fromSeq: BigInt(fromSeq), limit: 50, backward: false };
    session.ask({ case: 'list', value: list }, (event) => {
      const before = this.#replica.headOf(convId);
      if (event.case === 'entries') {
        this.#fetching.delete(convId);
        this.#witnessed(() => this.#replica.page(convId, event.value));
        this.#acknowledgeSoon();
      } else if (event.case === 'error' && event.value.retry === Retry.NEVER) {
        this.#announced.delete(convId);
      }
      this.#fetchAgain(session, convId, before);
    });
  }

  /** Whoever answered may not know yet what somebody else has told of: it is asked again, for a while. */
  #fetchAgain(session: ClientSession, convId: string, before: number): void {
    const wanted = this.#announced.get(convId) ?? 0;
    const head = this.#replica.headOf(convId);
    const tries = head > before ? 0 : (this.#fruitless.get(convId) ?? 0) + 1;
    this.#fruitless.set(convId, tries);
    const again = head < wanted && tries < fruitless;
    if (!again) {
      this.#fetching.delete(convId);
      return;
    }
    this.#fetching.add(convId);
    this.#later(retryMs, () => {
      if (this.#session !== session) return;
      this.#fetching.delete(convId);
      this.#replica.exists(convId, wanted);
    });
  }

  #pushed(event: EventOf): void {
    this.#parts.ground.trace(this.actor, `is told ${told(event)}`);
    switch (event.case) {
      case 'entry': {
        const { convId, seq } = event.value;
        this.#heardOf(convId, Number(seq));
        const before = this.#replica.headOf(convId);
        this.#witnessed(() => this.#replica.live(convId, seenEntry(event.value)));
        if (Number(seq) <= before) this.#replica.again(convId);
        this.#acknowledgeSoon();
        return;
      }
      case 'gap': {
        const { convId, fromSeq, toSeq } = event.value;
        this.#heardOf(convId, Number(toSeq));
        this.#replica.gap(convId, Number(fromSeq), Number(toSeq));
        if (Number(toSeq) <= this.#replica.headOf(convId)) this.#replica.again(convId);
        this.#acknowledgeSoon();
        return;
      }
      case 'cursor':
        this.#replica.cursor('push', event.value);
        return;
      default:
        return;
    }
  }

  #heardOf(convId: string, seq: number): void {
    if (seq <= (this.#announced.get(convId) ?? 0)) return;
    this.#announced.set(convId, seq);
    this.#fruitless.delete(convId);
  }

  /** What it takes in is looked at by the witness. */
  #witnessed(take: () => void): void {
    const from = this.events.length;
    take();
    for (const event of this.events.slice(from)) this.#parts.witness.saw(this.user, event);
  }

  #pass(sends: readonly Pending[]): void {
    const session = this.#session;
    if (session === undefined || sends.length === 0) return;
    session.send(
      sends.map((pending) => {
        const { clientId, convId, to, text } = pending;
        pending.commandId = session.expect((event) => this.#settle(pending, event));
        const target =
          to === undefined
            ? ({ case: 'convId', value: convId } as const)
            : ({ case: 'to', value: to } as const);
        const body = { content: { case: 'text', value: text } } as const;
        return command(pending.commandId, { case: 'send', value: { target, clientId, body } });
      }),
    );
  }

  #settle(pending: Pending, event: EventOf): void {
    pending.commandId = 0;
    if (event.case === 'sent') {
      this.#answered.push(pending);
      this.#outbox.settled(pending);
      this.#logSent(pending.clientId, event.value);
    } else if (event.case === 'error') this.#refused(pending, event.value);
    this.#again(pending.convId);
  }

  #again(convId: string): void {
    if (this.#outbox.readyAgain(convId).length === 0) return;
    this.#later(this.#parts.ground.dice.between(5, 60), () => {
      if (this.#signedIn) this.#pass(this.#outbox.readyAgain(convId));
    });
  }

  #refused(pending: Pending, { retry, reason }: Refusal): void {
    if (retry === Retry.NEVER) {
      const { convId, clientId } = pending;
      this.events.push({ t: 'refused', convId, clientId, reason });
      this.#outbox.settled(pending);
      return;
    }
    // Where another node may do better, some clients try this one again all the same.
    if (retry === Retry.ELSEWHERE && this.#parts.ground.dice.oneIn(2)) this.reconnect();
  }

  #logSent(clientId: string, { convId, seq, msgId }: Sent): void {
    this.#replica.read(convId, Number(seq));
    const event = { t: 'sent', convId, clientId, seq: Number(seq), msgId } as const;
    this.events.push(event);
    this.#parts.witness.saw(this.user, event);
  }

  #acknowledgeSoon(): void {
    if (this.#acknowledging) return;
    this.#acknowledging = true;
    this.#later(acknowledgeMs, () => {
      this.#acknowledging = false;
      if (!this.#inSync) return;
      const items = this.#replica.acknowledge();
      if (items.length > 0) this.#session?.send([command(0, { case: 'ack', value: { items } })]);
    });
  }

  #later(ms: number, act: () => unknown): void {
    this.#parts.ground.scheduler.at(this.actor, ms, act);
  }
}

function told(event: EventOf): string {
  if (event.case === 'entry') return `${event.value.convId} ${event.value.seq}: ${event.value.content.case}`;
  if (event.case === 'gap') return `${event.value.convId} gap ${event.value.fromSeq}–${event.value.toSeq}`;
  return event.case ?? 'nothing';
}
