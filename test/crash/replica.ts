import { create } from '@bufbuild/protobuf';
import type { ConversationState } from '../../gen/parley/chat/v1/conversation_pb.ts';
import {
  type Changes,
  type Cursor,
  type Entries,
  type KnownConversation,
  KnownConversationSchema,
} from '../../gen/parley/chat/v1/session_pb.ts';
import type { ClientEvent, SeenEntry } from '../checker/log.ts';
import { KnownLog } from './known-log.ts';
import { seenEntry } from './seen.ts';

/** A range that is missing, from here on. */
export interface Hole {
  readonly convId: string;
  readonly fromSeq: number;
}

/** How long a list may bring nothing although something is there. */
const fruitlessMs = 5_000;
const askAgainMs = 50;

type CursorFigures = Pick<Cursor, 'convId' | 'userId' | 'deliveredSeq' | 'readSeq'>;

/**
 * What a client has of its conversations, and what it saw, written down for the checker. Has no connection: says what
 * to fetch by `onHole`, as long as something is missing.
 */
export class Replica {
  readonly #user: string;
  readonly #events: ClientEvent[];
  readonly #onHole: (hole: Hole) => void;
  readonly #logs = new Map<string, KnownLog>();

  constructor(o: { user: string; events: ClientEvent[]; onHole: (hole: Hole) => void }) {
    this.#user = o.user;
    this.#events = o.events;
    this.#onHole = o.onHole;
  }

  get whole(): boolean {
    return [...this.#logs.values()].every((log) => !log.hasHole);
  }

  /** The conversations in which something is missing. */
  get holes(): string[] {
    return [...this.#logs].flatMap(([convId, { head, end }]) =>
      head < end ? [`${convId} from ${head + 1} to ${end}`] : [],
    );
  }

  /** What to name in a sync. */
  get known(): KnownConversation[] {
    return [...this.#logs].map(([convId, log]) =>
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
  }

  /** A page of the answer to a sync. */
  take(changes: Changes): void {
    for (const state of changes.conversations) {
      const { convId } = state;
      const log = this.#log(convId);
      if (state.startOver) throw new Error(`told to start over in ${convId}: its tail is lost`);
      log.rev = state.rev;
      this.#takeCursors(state);
      for (const entry of state.entries) this.#saw('fetched', convId, seenEntry(entry));
      log.end = Math.max(log.end, Number(state.headSeq));
      this.#look(convId, log);
    }
  }

  /** A page of history that was asked for because of a hole. */
  page(convId: string, page: Entries): void {
    const log = this.#log(convId);
    const before = log.head;
    for (const entry of page.entries) {
      const seen = seenEntry(entry);
      if (seen.content.t === 'hidden') log.hiddenThrough(seen.content.throughSeq);
      else this.#saw('fetched', convId, seen);
    }
    // A former member's log ends before what came to everybody else.
    if (!page.more) log.end = Math.max(log.head, Number(page.headSeq));
    if (log.head > before || !log.hasHole) {
      log.fruitlessSinceMs = 0;
      this.#look(convId, log);
      return;
    }
    // An owner that has just lost a conversation may not know of what another one has forwarded already.
    const nowMs = performance.now();
    if (log.fruitlessSinceMs === 0) log.fruitlessSinceMs = nowMs;
    if (nowMs - log.fruitlessSinceMs > fruitlessMs)
      throw new Error(
        `list of ${convId} brought nothing after ${before}: ${page.entries.length} entries, head ${page.headSeq}, ${log.end} is known`,
      );
    setTimeout(() => this.#look(convId, log), askAgainMs);
  }

  live(convId: string, entry: SeenEntry): void {
    const log = this.#log(convId);
    const { content } = entry;
    if (content.t === 'membersAdded' && content.users.includes(this.#user))
      log.beginAt(entry.seq, entry.msgId);
    this.#saw('entry', convId, entry);
    this.#look(convId, log);
  }

  gap(convId: string, fromSeq: number, toSeq: number): void {
    this.#events.push({ t: 'gap', convId, fromSeq, toSeq });
    const log = this.#log(convId);
    log.end = Math.max(log.end, toSeq);
    this.#look(convId, log);
  }

  /** Entries up to this seq exist, whatever a page said that came meanwhile. */
  exists(convId: string, seq: number): void {
    const log = this.#log(convId);
    log.end = Math.max(log.end, seq);
    this.#look(convId, log);
  }

  /** What is missing is asked for again: a sync says what one node knows, and another one may have told of more. */
  fillHoles(): void {
    for (const [convId, log] of this.#logs) this.#look(convId, log);
  }

  /** What it has is acknowledged again: the server does not know that it has it. */
  again(convId: string): void {
    const log = this.#log(convId);
    log.ackedSeq = Math.min(log.ackedSeq, log.head - 1);
  }

  /** How far the log is here without a hole; 0 for one that is not known. */
  headOf(convId: string): number {
    return this.#logs.get(convId)?.head ?? 0;
  }

  cursor(way: 'push' | 'sync', cursor: CursorFigures): void {
    const { convId, userId: user } = cursor;
    const [deliveredSeq, readSeq] = [Number(cursor.deliveredSeq), Number(cursor.readSeq)];
    this.#events.push({ t: 'cursor', way, convId, user, deliveredSeq, readSeq });
    const log = this.#log(convId);
    if (user === this.#user) {
      log.deliveredSeq = Math.max(log.deliveredSeq, deliveredSeq);
      log.readSeq = Math.max(log.readSeq, readSeq);
    } else {
      log.peerDeliveredSeq = Math.max(log.peerDeliveredSeq, deliveredSeq);
      log.peerReadSeq = Math.max(log.peerReadSeq, readSeq);
    }
  }

  /** The user has read up to here: remembered, and named again in syncs. */
  read(convId: string, seq: number): void {
    const log = this.#log(convId);
    log.readSeq = Math.max(log.readSeq, seq);
  }

  /** What has come in order since the last call, to be acknowledged. */
  acknowledge(): { readonly convId: string; readonly seq: bigint }[] {
    return [...this.#logs]
      .filter(([, log]) => log.head > log.ackedSeq)
      .map(([convId, log]) => {
        log.ackedSeq = log.deliveredSeq = log.head;
        return { convId, seq: BigInt(log.head) };
      });
  }

  #takeCursors(state: ConversationState): void {
    const { convId, deliveredSeq, readSeq, peer, peerDeliveredSeq, peerReadSeq } = state;
    this.cursor('sync', { convId, userId: this.#user, deliveredSeq, readSeq });
    if (peer !== '')
      this.cursor('sync', { convId, userId: peer, deliveredSeq: peerDeliveredSeq, readSeq: peerReadSeq });
  }

  #saw(t: 'entry' | 'fetched', convId: string, entry: SeenEntry): void {
    this.#events.push({ t, convId, entry });
    this.#log(convId).add(entry.seq, entry.msgId);
  }

  #look(convId: string, log: KnownLog): void {
    if (log.hasHole) this.#onHole({ convId, fromSeq: log.head + 1 });
  }

  #log(convId: string): KnownLog {
    let log = this.#logs.get(convId);
    if (log === undefined) {
      log = new KnownLog();
      this.#logs.set(convId, log);
    }
    return log;
  }
}
