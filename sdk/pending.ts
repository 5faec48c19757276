import { backoffMs } from './backoff.ts';
import type { ChatError, PendingSend } from './types.ts';

/** A message on its way, as it is kept through reloads. */
export interface QueuedSend {
  readonly clientId: string;
  /** Whose it is; empty where that was not known yet: then it is whoever's the session is. */
  readonly userId: string;
  readonly convId: string;
  /** The other user of a direct conversation, by whom it is addressed; empty for groups. */
  readonly peer: string;
  readonly text: string;
  readonly createdAtMs: number;
  /** First order: ascending in the order in which the user sent. */
  readonly order: number;
  /** Why it was refused for good; empty while it is pending. */
  readonly problem: string;
}

/** What goes on the wire next; each is answered by `sent`, `refused`, or `skipped`. */
export type Transmission =
  | { readonly t: 'send'; readonly send: QueuedSend }
  | { readonly t: 'skip'; readonly send: QueuedSend };

export const pendingLimits = {
  /** Unanswered sends of one conversation, and of all. */
  laneWindow: 64,
  window: 256,
  windowLength: 256 * 1024,
  backoff: { baseMs: 200, maxMs: 10_000 },
} as const;

/**
 * queued: not on the wire in this session · inFlight: unanswered · refused: may be tried again, and holds its place ·
 * skipping: its place is being given up.
 */
type Phase = 'queued' | 'inFlight' | 'refused' | 'skipping';

interface Held {
  send: QueuedSend;
  phase: Phase;
  /** Not wanted any more (or known to be in the log): given up instead of sent again. */
  dropped: boolean;
}

/**
 * flowing: sends follow one another · settling: one was refused, all that are unanswered have to be answered before
 * anything else goes out · recovering: the refused ones, and they alone, are out again.
 */
type Mode = 'flowing' | 'settling' | 'recovering';

interface Lane {
  readonly convId: string;
  readonly held: Held[];
  mode: Mode;
  inFlight: number;
  /** Refusals in a row. */
  refusals: number;
  retryAtMs: number;
}

/**
 * The sends that the server has not acknowledged, and the order in which they go out. A send keeps its client id and
 * its place until it is answered for good: through refusals, lost sessions and reloads, so that nothing is lost,
 * repeated, or overtaken in its conversation. After a retryable refusal only the refused sends of that conversation
 * go out, in first order (the server refuses everything else until then); a refusal for good makes a send `failed`.
 */
export class PendingSends {
  readonly #max: number;
  readonly #lanes = new Map<string, Lane>();
  readonly #laneOf = new Map<string, Lane>();
  /** Conversations with something that may go out. */
  readonly #ready = new Set<Lane>();
  readonly #settling = new Set<Lane>();
  readonly #failed = new Map<string, QueuedSend>();
  #open = false;
  #inFlight = 0;
  #inFlightLength = 0;

  constructor(options: { max: number }) {
    this.#max = options.max;
  }

  /** Whether another send may be added. */
  get full(): boolean {
    return this.#laneOf.size + this.#failed.size >= this.#max;
  }

  has(clientId: string): boolean {
    return this.#laneOf.has(clientId) || this.#failed.has(clientId);
  }

  /** Puts a send in its place among its conversation's: by first order, but behind all that were on the wire. */
  add(send: QueuedSend): void {
    if (this.has(send.clientId)) return;
    if (send.problem !== '') {
      this.#failed.set(send.clientId, send);
      return;
    }
    const lane = this.#lane(send.convId);
    const later = lane.held.findIndex((held) => held.phase === 'queued' && held.send.order > send.order);
    lane.held.splice(later < 0 ? lane.held.length : later, 0, { send, phase: 'queued', dropped: false });
    this.#laneOf.set(send.clientId, lane);
    this.#ready.add(lane);
  }

  /** A session is there to send on. */
  opened(): void {
    this.#open = true;
    for (const lane of this.#lanes.values()) this.#ready.add(lane);
  }

  /** The session is gone, and its answers with it: all will be sent again, in first order. */
  closed(): void {
    this.#open = false;
    this.#inFlight = 0;
    this.#inFlightLength = 0;
    this.#settling.clear();
    for (const lane of this.#lanes.values()) {
      for (const held of lane.held.filter((one) => one.dropped)) this.#remove(lane, held);
      for (const held of lane.held) held.phase = 'queued';
      lane.mode = 'flowing';
      lane.inFlight = 0;
      lane.retryAtMs = 0;
      if (lane.held.length === 0) this.#forget(lane);
    }
  }

  /** What is to be put on the wire now, in this order. */
  next(nowMs: number): Transmission[] {
    const out: Transmission[] = [];
    if (!this.#open) return out;
    for (const lane of this.#ready) {
      if (lane.mode === 'settling' && lane.inFlight === 0 && lane.retryAtMs <= nowMs)
        this.#recover(lane, out);
      if (lane.mode === 'flowing') this.#flow(lane, out);
      this.#ready.delete(lane);
      if (lane.held.length === 0) this.#forget(lane);
      if (this.#windowFull()) break;
    }
    return out;
  }

  /** When `next` will have something that waits for time alone, monotonic. */
  dueMs(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const lane of this.#settling) if (lane.inFlight === 0) due = Math.min(due, lane.retryAtMs);
    return due;
  }

  /** The clock came to `dueMs`. */
  tick(nowMs: number): void {
    for (const lane of this.#settling) if (lane.retryAtMs <= nowMs) this.#ready.add(lane);
  }

  /** The server's answer: it has it. Answers with the send, unless that was known or given up. */
  sent(clientId: string): QueuedSend | undefined {
    const [lane, held] = this.#find(clientId);
    if (lane === undefined || held === undefined || held.phase !== 'inFlight') return undefined;
    this.#answered(lane, held);
    this.#remove(lane, held);
    return held.dropped ? undefined : held.send;
  }

  /**
   * It stands in the log. Answers with the send, unless that was known. What is on the wire is waited for all the
   * same, and what was refused is skipped: its place is promised to it, and nothing else would pass.
   */
  confirmed(clientId: string): QueuedSend | undefined {
    const failed = this.#failed.get(clientId);
    if (failed !== undefined) {
      this.#failed.delete(clientId);
      return failed;
    }
    const [lane, held] = this.#find(clientId);
    if (lane === undefined || held === undefined || held.dropped) return undefined;
    if (held.phase === 'queued') this.#remove(lane, held);
    else held.dropped = true;
    return held.send;
  }

  /** The server refused it. Answers with the send when it failed for good. */
  refused(clientId: string, refusal: ChatError, nowMs: number, random: number): QueuedSend | undefined {
    const [lane, held] = this.#find(clientId);
    if (lane === undefined || held === undefined || held.phase !== 'inFlight') return undefined;
    this.#answered(lane, held);
    if (refusal.retry === 'never') {
      this.#remove(lane, held);
      if (held.dropped) return undefined;
      const failed = { ...held.send, problem: refusal.reason };
      this.#failed.set(clientId, failed);
      return failed;
    }
    held.phase = 'refused';
    if (lane.mode !== 'settling') lane.refusals += 1;
    lane.mode = 'settling';
    const waitMs = Math.max(refusal.retryAfterMs, backoffMs(lane.refusals, random, pendingLimits.backoff));
    lane.retryAtMs = Math.max(lane.retryAtMs, nowMs + waitMs);
    this.#settling.add(lane);
    return undefined;
  }

  /** A skip was answered, whichever way. */
  skipped(clientId: string): void {
    const [lane, held] = this.#find(clientId);
    if (lane === undefined || held === undefined || held.phase !== 'skipping') return;
    this.#answered(lane, held);
    this.#remove(lane, held);
  }

  /** The user tries a failed send again: it goes to the end. Answers with the send as it is to be stored. */
  retry(clientId: string, order: number): QueuedSend | undefined {
    const failed = this.#failed.get(clientId);
    if (failed === undefined) return undefined;
    this.#failed.delete(clientId);
    const send = { ...failed, problem: '', order };
    this.add(send);
    return send;
  }

  /**
   * The user gives a send up. What was on the wire may still arrive. False when it is not pending.
   */
  discard(clientId: string): boolean {
    if (this.#failed.delete(clientId)) return true;
    const [lane, held] = this.#find(clientId);
    if (lane === undefined || held === undefined || held.dropped) return false;
    if (held.phase === 'queued') this.#remove(lane, held);
    else held.dropped = true;
    return true;
  }

  /** The user's view of a conversation's sends, in first order. */
  list(convId: string): PendingSend[] {
    const sends: QueuedSend[] = [];
    for (const held of this.#lanes.get(convId)?.held ?? []) if (!held.dropped) sends.push(held.send);
    for (const send of this.#failed.values()) if (send.convId === convId) sends.push(send);
    return sends.sort((one, other) => one.order - other.order).map(toPendingSend);
  }

  /** All of them, in no order. */
  *all(): Iterable<QueuedSend> {
    for (const lane of this.#lanes.values()) for (const held of lane.held) yield held.send;
    yield* this.#failed.values();
  }

  #recover(lane: Lane, out: Transmission[]): void {
    lane.mode = 'recovering';
    this.#settling.delete(lane);
    for (const held of lane.held) if (held.phase === 'refused') this.#transmit(lane, held, out);
    if (lane.inFlight === 0) this.#settle(lane);
  }

  #flow(lane: Lane, out: Transmission[]): void {
    for (const held of lane.held) {
      if (lane.inFlight >= pendingLimits.laneWindow || this.#windowFull()) break;
      if (held.phase === 'queued') this.#transmit(lane, held, out);
    }
  }

  #transmit(lane: Lane, held: Held, out: Transmission[]): void {
    held.phase = held.dropped ? 'skipping' : 'inFlight';
    lane.inFlight += 1;
    this.#inFlight += 1;
    this.#inFlightLength += held.send.text.length;
    out.push({ t: held.dropped ? 'skip' : 'send', send: held.send });
  }

  #answered(lane: Lane, held: Held): void {
    if (held.phase !== 'inFlight' && held.phase !== 'skipping') return;
    const wasFull = this.#windowFull();
    lane.inFlight -= 1;
    this.#inFlight -= 1;
    this.#inFlightLength -= held.send.text.length;
    this.#ready.add(lane);
    if (wasFull) for (const other of this.#lanes.values()) this.#ready.add(other);
  }

  /** All that were out again are answered. */
  #settle(lane: Lane): void {
    if (lane.mode !== 'recovering' || lane.inFlight > 0) return;
    lane.mode = 'flowing';
    lane.refusals = 0;
    lane.retryAtMs = 0;
    this.#ready.add(lane);
  }

  #windowFull(): boolean {
    return this.#inFlight >= pendingLimits.window || this.#inFlightLength >= pendingLimits.windowLength;
  }

  #lane(convId: string): Lane {
    let lane = this.#lanes.get(convId);
    if (lane === undefined) {
      lane = { convId, held: [], mode: 'flowing', inFlight: 0, refusals: 0, retryAtMs: 0 };
      this.#lanes.set(convId, lane);
    }
    return lane;
  }

  #find(clientId: string): [Lane | undefined, Held | undefined] {
    const lane = this.#laneOf.get(clientId);
    return [lane, lane?.held.find((held) => held.send.clientId === clientId)];
  }

  #remove(lane: Lane, held: Held): void {
    const at = lane.held.indexOf(held);
    if (at >= 0) lane.held.splice(at, 1);
    this.#laneOf.delete(held.send.clientId);
    this.#settle(lane);
  }

  #forget(lane: Lane): void {
    if (this.#lanes.get(lane.convId) === lane) this.#lanes.delete(lane.convId);
  }
}

function toPendingSend(send: QueuedSend): PendingSend {
  return {
    clientId: send.clientId,
    convId: send.convId,
    text: send.text,
    createdAtMs: send.createdAtMs,
    status: send.problem === '' ? 'pending' : 'failed',
    problem: send.problem,
  };
}
