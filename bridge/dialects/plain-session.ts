import { randomUUID } from 'node:crypto';
import { type Error as ErrorEvent, Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import type { Event, Sent } from '../../gen/parley/chat/v1/session_pb.ts';
import type { Clock } from '../../services/core/clock.ts';
import { Fault } from '../../services/core/fault.ts';
import { helloFrame } from '../hello.ts';
import type { BridgeSocket } from '../socket.ts';
import { DeliveryTracker } from './delivery-tracker.ts';
import { GapFetcher } from './gap-fetcher.ts';
import type { PeerCache } from './peer-cache.ts';
import { ackByIdFrame, ackFrame, listFrame, pingFrame, sendFrame, skipFrame } from './plain-commands.ts';
import type { PlainEvent } from './plain-delivery.ts';
import type { PlainEntry } from './plain-entry.ts';
import { ackFrame as sentFrame, errorFrame, kickedFrame } from './plain-events.ts';
import type { PlainFrame, PlainTarget } from './plain-frame.ts';
import { PlainInbox } from './plain-inbox.ts';

/** The id of the bridge's own commands, whose answers no client waits for. */
const quietId = 1;
const maxOutstanding = 1_024;
const maxOwed = 8_192;
const maxGaps = 5_000;
const maxUnknownPeers = 1_000;
const acksAtOnce = 256;
/** How long at least no page is asked for after one was refused. */
const refusalPauseMs = 400;
/** Unless welcome says otherwise. */
const defaultPingMs = 25_000;
const defaultAckBytes = 256 * 1024;

/** A command that is not answered yet. */
type Asked =
  | { readonly t: 'send'; readonly target: PlainTarget; readonly clientId: string; readonly named: boolean }
  | { readonly t: 'ack' }
  | { readonly t: 'page' };

/**
 * What the plain dialect does on behalf of a client that knows none of the protocol: signs it in, numbers its commands,
 * acknowledges, fetches gaps, pings. No rule of the chat is decided here.
 */
export class PlainSession {
  readonly #socket: BridgeSocket;
  readonly #peers: PeerCache;
  readonly #clock: Clock;
  readonly #inbox: PlainInbox;
  readonly #tracker = new DeliveryTracker();
  readonly #gaps = new GapFetcher();
  readonly #asked = new Map<number, Asked>();
  /** Direct conversations whose other user could not be found out. */
  readonly #unknownPeers = new Set<string>();
  #lastId = quietId;
  #signedIn = false;
  #token = '';
  #userId = '';
  #pingMs = defaultPingMs;
  #ackBytes = defaultAckBytes;
  #unackedBytes = 0;
  #spokeAt: number;
  /** No page is asked for before. */
  #pagesFromMs = 0;
  #probing = false;
  #lastRefusal = '';

  constructor(socket: BridgeSocket, peers: PeerCache, clock: Clock) {
    this.#socket = socket;
    this.#peers = peers;
    this.#clock = clock;
    this.#spokeAt = clock.monotonicMs();
    this.#inbox = new PlainInbox({
      needs: (event) => this.#missingPeer(event),
      lookUp: (convId) => this.#lookUp(convId),
      show: (events) => this.#show(events),
      overflow: () => this.#giveUp(),
    });
  }

  /** Signs in by what the handshake said, if it said anything. */
  begin(): void {
    const { token, userId, deviceId } = this.#socket.client;
    if (token !== '' || userId !== '') this.#signIn(token, userId, deviceId);
  }

  /** A frame from the client. Throws a fault that the client is told of. */
  receive(frame: PlainFrame): void {
    const { deviceId } = this.#socket.client;
    if (frame.t === 'hello') {
      if (this.#signedIn) throw new Fault('alreadySignedIn');
      this.#signIn(frame.token, frame.userId, frame.deviceId || deviceId);
      return;
    }
    if (!this.#signedIn) {
      const author = frame.t === 'send' ? frame.author : '';
      if (author === '')
        throw new Fault('helloExpected', {
          message:
            'say who you are: ?token= or ?user_id= in the address, or a first frame that names its sender',
        });
      this.#signIn('', author, deviceId);
    }
    if (frame.t === 'send') this.#send(frame.target, frame.content, frame.clientId);
    else this.#acknowledge(frame.msgId);
  }

  /** Events from the connection node, of an encoded frame of so many bytes. */
  take(events: readonly PlainEvent[], bytes: number): void {
    this.#inbox.take(events);
    this.#unackedBytes += bytes;
    if (this.#unackedBytes >= this.#ackBytes / 2) this.acknowledgeFlushed();
  }

  /** Sends the acks that are due. Called several times a second. */
  acknowledgeFlushed(): void {
    if (!this.#socket.flushed) return;
    this.#unackedBytes = 0;
    for (;;) {
      const due = this.#tracker.take(acksAtOnce);
      if (due.length === 0) return;
      this.#socket.forward(ackFrame(quietId, due));
    }
  }

  /** Asks for the next page of what is missing, unless the client is slow to read or the node refused one just now. */
  fetchGaps(): void {
    if (this.#socket.congested || this.#clock.monotonicMs() < this.#pagesFromMs) return;
    const wish = this.#gaps.next();
    if (wish !== undefined) this.#socket.forward(listFrame(this.#ask({ t: 'page' }), wish));
  }

  /** Finds out now and then whether the client is there: its pong becomes a ping upstream. */
  keepAlive(nowMs: number): void {
    if (!this.#signedIn || this.#probing || nowMs - this.#spokeAt < this.#pingMs / 2) return;
    this.#probing = true;
    this.#socket.ping();
  }

  pong(nowMs: number): void {
    if (!this.#probing) return;
    this.#probing = false;
    this.#spokeAt = nowMs;
    this.#socket.forward(pingFrame(quietId));
  }

  close(): void {
    this.#inbox.close();
  }

  #signIn(token: string, userId: string, deviceId: string): void {
    this.#signedIn = true;
    this.#token = token;
    this.#userId = userId;
    this.#socket.forward(helloFrame({ token, userId, deviceId, openGroups: true }));
  }

  #ask(asked: Asked): number {
    if (asked.t !== 'page' && this.#asked.size >= maxOutstanding)
      throw new Fault('overloaded', { message: 'too many frames without an answer', retryAfterMs: 100 });
    this.#lastId = this.#lastId === 0xffff_ffff ? quietId + 1 : this.#lastId + 1;
    this.#asked.set(this.#lastId, asked);
    return this.#lastId;
  }

  #send(target: PlainTarget, content: string, givenId: string): void {
    const named = givenId !== '';
    const clientId = named ? givenId : randomUUID();
    const id = this.#ask({ t: 'send', target, clientId, named });
    this.#socket.forward(sendFrame(id, target, clientId, content));
  }

  #acknowledge(msgId: bigint): void {
    if (this.#tracker.acknowledge(msgId)) return;
    this.#socket.forward(ackByIdFrame(this.#ask({ t: 'ack' }), msgId));
  }

  #show(events: readonly PlainEvent[]): void {
    const out: Buffer[] = [];
    for (const event of events) {
      if (event.t === 'other') this.#showOther(event.event, out);
      else if (event.t === 'page') this.#showPage(event.replyTo, event.entries, out);
      else if (!this.#gaps.covers(event.entry.convId, event.entry.seq)) this.#showEntry(event.entry, out);
    }
    const [first] = out;
    if (first !== undefined) this.#socket.write(out.length === 1 ? first : Buffer.concat(out));
    this.fetchGaps();
  }

  #showEntry(entry: PlainEntry, out: Buffer[]): void {
    this.#tracker.note(entry.convId, entry.throughSeq, entry.shown ? entry.entry.msgId : undefined);
    if (entry.shown) out.push(entry.frame(entry.direct ? this.#receiver(entry) : undefined));
    if (this.#tracker.owed > maxOwed) this.#giveUp();
  }

  #showPage(replyTo: number, entries: readonly PlainEntry[], out: Buffer[]): void {
    if (this.#asked.get(replyTo)?.t !== 'page') return;
    this.#asked.delete(replyTo);
    for (const entry of entries) this.#showEntry(entry, out);
    this.#gaps.answered(entries.at(-1)?.throughSeq ?? 0);
  }

  #showOther({ replyTo, event }: Event, out: Buffer[]): void {
    const asked = this.#asked.get(replyTo);
    this.#asked.delete(replyTo);
    switch (event.case) {
      case 'welcome':
        this.#userId = event.value.userId;
        this.#pingMs = event.value.pingIntervalMs || defaultPingMs;
        this.#ackBytes = event.value.ackBytes || defaultAckBytes;
        break;
      case 'sent':
        this.#showSent(event.value, asked, out);
        break;
      case 'error':
        this.#showError(event.value, replyTo, asked, out);
        break;
      case 'gap':
        this.#gaps.open(event.value.convId, Number(event.value.fromSeq), Number(event.value.toSeq));
        if (this.#gaps.size > maxGaps) this.#giveUp();
        break;
      case 'kicked':
        // The refusal that ended the session has said it.
        if (event.value.reason !== this.#lastRefusal) out.push(kickedFrame(event.value));
        break;
      default:
        // Presence, typing, cursors, pongs: plain sockets are not told.
        break;
    }
  }

  #showSent(sent: Sent, asked: Asked | undefined, out: Buffer[]): void {
    if (asked?.t !== 'send') return;
    if ('to' in asked.target) this.#peers.learn(sent.convId, this.#userId, asked.target.to);
    out.push(sentFrame(sent, asked.named ? asked.clientId : ''));
  }

  #showError(error: ErrorEvent, replyTo: number, asked: Asked | undefined, out: Buffer[]): void {
    const mayPassLater = error.retry !== Retry.NEVER;
    if (asked?.t === 'page') this.#pageRefused(mayPassLater, error.retryAfterMs);
    if (asked?.t === 'page' || replyTo === quietId) return;
    this.#lastRefusal = error.reason;
    out.push(errorFrame(error, asked?.t === 'send' && asked.named ? asked.clientId : ''));
    // A refused send keeps its place until it is sent again or given up; a plain client can't say either.
    if (asked?.t === 'send' && mayPassLater)
      this.#socket.forward(skipFrame(quietId, asked.target, asked.clientId));
  }

  #pageRefused(mayPassLater: boolean, retryAfterMs: number): void {
    this.#gaps.refused(mayPassLater);
    // At once, it would be refused again, and the node would hear of nothing else.
    if (mayPassLater) this.#pagesFromMs = this.#clock.monotonicMs() + Math.max(refusalPauseMs, retryAfterMs);
  }

  /** Who receives a direct message, as far as it is known. */
  #receiver({ convId, entry }: PlainEntry): string | undefined {
    if (entry.sender !== this.#userId) {
      this.#peers.learn(convId, this.#userId, entry.sender);
      return this.#userId;
    }
    const known = this.#peers.receiverOf(convId, entry.sender);
    if (known !== undefined) return known;
    for (const asked of this.#asked.values())
      if (asked.t === 'send' && asked.clientId === entry.clientId && 'to' in asked.target)
        return asked.target.to;
    return undefined;
  }

  /** The conversation whose other user has to be looked up before the event can be shown. */
  #missingPeer(event: PlainEvent): string | undefined {
    if (event.t === 'other') return undefined;
    const entries = event.t === 'entry' ? [event.entry] : event.entries;
    return entries.find(
      (entry) =>
        entry.direct &&
        entry.shown &&
        this.#receiver(entry) === undefined &&
        !this.#unknownPeers.has(entry.convId),
    )?.convId;
  }

  async #lookUp(convId: string): Promise<void> {
    const { remoteAddress } = this.#socket.client;
    const found = await this.#peers.ask(convId, { userId: this.#userId, token: this.#token, remoteAddress });
    if (found || this.#unknownPeers.size >= maxUnknownPeers) return;
    this.#unknownPeers.add(convId);
  }

  #giveUp(): void {
    this.#socket.end(new Fault('slowConsumer', { message: 'the client is too far behind' }));
  }
}
