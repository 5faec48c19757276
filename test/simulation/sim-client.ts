import { type Error as Refusal, Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import type { Sent } from '../../gen/parley/chat/v1/session_pb.ts';
import type { ClientEvent, ClientLog } from '../checker/log.ts';
import { command, type EventOf } from '../crash/crash-session.ts';
import { Outbox, type Pending } from '../crash/outbox.ts';
import { Replica } from '../crash/replica.ts';
import { seenEntry } from '../crash/seen.ts';
import { ClientDiary, type TimelineEvent } from './client-diary.ts';
import { ClientSession } from './client-session.ts';
import type { Ground } from './ground.ts';
import { PageFetcher } from './page-fetcher.ts';
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

const helloMs = 4_000;
const acknowledgeMs = 100;
const retryMs = 250;
const syncEntries = 3;

/**
 * A client that goes on whatever happens: connects again, anywhere, syncs, sends again what was not answered under the
 * same client ids and in its first order, fills holes, acknowledges. It writes down what it did and saw.
 */
export class SimClient implements ClientLog {
  readonly user: string;
  readonly device: string;
  readonly actor: Actor;
  readonly #parts: SimClientParts;
  readonly #outbox = new Outbox();
  readonly #diary = new ClientDiary();
  #replica: Replica;
  readonly #pages: PageFetcher;
  #answered: Pending[] = [];
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
    this.#replica = this.#newReplica();
    this.#pages = new PageFetcher({
      session: () => (this.#signedIn ? this.#session : undefined),
      headOf: (convId) => this.headOf(convId),
      page: (convId, entries) => {
        this.#witnessed(() => this.#replica.page(convId, entries));
        this.#acknowledgeSoon();
      },
      exists: (convId, seq) => this.#replica.exists(convId, seq),
      later: (ms, act) => this.#later(ms, act),
    });
    ground.scheduler.at(this.actor, 0, () => this.#connect());
  }

  /** What it did and saw in the present epoch. */
  get events(): ClientEvent[] {
    return this.#diary.events;
  }

  /** Everything sent is answered, nothing known is missing. */
  get settled(): boolean {
    return this.#inSync && this.#outbox.size === 0 && this.#replica.whole && this.#pages.idle;
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

  /** What it saw in the present epoch, with what it was told by syncs. */
  get timeline(): TimelineEvent[] {
    return this.#diary.timeline;
  }

  /** What it saw in epochs that are over. */
  get former(): readonly ClientEvent[] {
    return this.#diary.former;
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
        if (reason === 'superseded') this.#parts.witness.superseded(this.actor.name);
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
    this.#pages.lost();
    this.#outbox.disconnected();
    this.#later(this.#parts.ground.dice.between(10, 300), () => this.#connect());
  }

  #welcomed(event: EventOf): void {
    if (event.case !== 'welcome') return;
    const { storeEpoch } = event.value;
    if (this.#epoch !== '' && this.#epoch !== storeEpoch) this.#startOver(`the epoch is ${storeEpoch}`);
    this.#epoch = storeEpoch;
    this.#signedIn = true;
    this.#parts.ground.trace(this.actor, 'is welcome');
    this.events.push({ t: 'connected' });
    this.#sync();
    this.#pass(this.#outbox.all);
  }

  /** What it has may be in no log any more; what was not answered is sent again. */
  #startOver(why: string): void {
    if (this.#parts.ground.restores === 0)
      throw new Error(`told to start over, and nobody restored the store: ${why}`);
    this.#parts.ground.trace(this.actor, `starts over: ${why}`);
    this.#diary.startOver();
    this.#pages.startOver();
    this.#answered = [];
    this.#replica = this.#newReplica();
  }

  #newReplica(): Replica {
    const { events, user } = this;
    return new Replica({ user, events, onHole: (hole) => this.#pages.fetch(hole) });
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
      const lost = event.value.conversations.find(({ startOver }) => startOver);
      if (lost !== undefined) {
        this.#startOver(`the end of ${lost.convId} is lost`);
        this.#sync();
        return;
      }
      for (const { convId, headSeq } of event.value.conversations) {
        this.#pages.heardOf(convId, Number(headSeq));
        this.#diary.synced(convId, Number(headSeq));
      }
      if (event.value.done) this.#inSync = true;
      else session.expectMore(id, page);
      this.#witnessed(() => this.#replica.take(event.value));
      if (this.#inSync) this.#replica.fillHoles();
      this.#acknowledgeSoon();
    };
    const id = session.ask({ case: 'sync', value }, page);
  }

  #pushed(event: EventOf): void {
    this.#parts.ground.trace(this.actor, `is told ${told(event)}`);
    switch (event.case) {
      case 'entry': {
        const { convId, seq } = event.value;
        this.#pages.heardOf(convId, Number(seq));
        const before = this.#replica.headOf(convId);
        this.#witnessed(() => this.#replica.live(convId, seenEntry(event.value)));
        if (Number(seq) <= before) this.#replica.again(convId);
        this.#acknowledgeSoon();
        return;
      }
      case 'gap': {
        const { convId, fromSeq, toSeq } = event.value;
        this.#pages.heardOf(convId, Number(toSeq));
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
