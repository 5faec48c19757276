import { create } from '@bufbuild/protobuf';
import {
  type Changes,
  type Event,
  type KnownConversation,
  type Sync,
  SyncSchema,
} from '../gen/parley/chat/v1/session_pb.ts';
import type { Conversation } from './conversation.ts';
import type { CommandInit } from './frames.ts';
import { toChatError } from './refusal.ts';

export const syncLimits = {
  /** The contract's. */
  maxKnown: 5_000,
  /** Leaves room in a frame of 256 KiB, which hello shares. */
  maxBytes: 200 * 1024,
  /** Entries that come along for each changed conversation. */
  entries: 20,
  /** Requests to sync again are gathered for this long. */
  againAfterMs: 50,
  retryAfterMs: 1_000,
} as const;

/**
 * What this device knows, within the limits: of too many conversations the most recently active ones are named, and
 * the server sends the others as if they were new.
 */
export function buildSync(storeEpoch: string, conversations: Iterable<Conversation>): Sync {
  const named: { readonly known: KnownConversation; readonly activeAtMs: number }[] = [];
  for (const conversation of conversations) {
    const known = conversation.known();
    if (known !== undefined) named.push({ known, activeAtMs: conversation.activeAtMs });
  }
  named.sort((one, other) => other.activeAtMs - one.activeAtMs);
  let bytes = 0;
  const fitting = named.slice(0, syncLimits.maxKnown).filter(({ known }) => {
    bytes += 3 * known.convId.length + 72;
    return bytes <= syncLimits.maxBytes;
  });
  const known = fitting.map((one) => one.known);
  return create(SyncSchema, { storeEpoch, known, entries: syncLimits.entries });
}

type Ask = (command: CommandInit, handler: (event: Event | undefined) => boolean) => void;

/** Asks what changed and follows the pages to the last one. One sync runs at a time. */
export class Syncer {
  readonly #ask: Ask;
  readonly #build: () => Sync;
  readonly #onChanges: (changes: Changes) => void;
  readonly #onDone: (complete: boolean) => void;
  readonly #nowMs: () => number;
  readonly #random: () => number;
  #running = false;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(options: {
    ask: Ask;
    build: () => Sync;
    onChanges: (changes: Changes) => void;
    /** A sync is over: complete, or refused. */
    onDone: (complete: boolean) => void;
    nowMs: () => number;
    /** In [0, 1), for jitter: all who were refused together must not come back together. */
    random: () => number;
  }) {
    this.#ask = options.ask;
    this.#build = options.build;
    this.#onChanges = options.onChanges;
    this.#onDone = options.onDone;
    this.#nowMs = options.nowMs;
    this.#random = options.random;
  }

  /** While a sync runs, gaps are not fetched: it may bring what fills them. */
  get running(): boolean {
    return this.#running;
  }

  /** Behind hello, on a stream that was just opened. */
  begin(): void {
    this.#running = true;
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#ask({ case: 'sync', value: this.#build() }, (event) => this.#answer(event));
  }

  /** Something happened that only a sync explains. */
  again(afterMs: number = syncLimits.againAfterMs): void {
    this.#dueMs = Math.min(this.#dueMs, this.#nowMs() + afterMs);
  }

  /** The session is gone: the next one begins with a sync. */
  lost(): void {
    this.#running = false;
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  dueMs(): number {
    return this.#running ? Number.POSITIVE_INFINITY : this.#dueMs;
  }

  tick(nowMs: number): void {
    if (nowMs >= this.dueMs()) this.begin();
  }

  #answer(event: Event | undefined): boolean {
    if (event === undefined) return false;
    if (event.event.case === 'changes') {
      this.#onChanges(event.event.value);
      if (!event.event.value.done) return true;
      this.#running = false;
      this.#onDone(true);
      return false;
    }
    this.#running = false;
    if (event.event.case !== 'error') return false;
    const refusal = toChatError(event.event.value);
    // Refused for good, it is tried again with the next session.
    const atLeastMs = Math.max(refusal.retryAfterMs, syncLimits.retryAfterMs);
    if (refusal.retry !== 'never') this.again(atLeastMs * (1 + this.#random()));
    this.#onDone(false);
    return false;
  }
}
