import type { Entries } from '../gen/parley/chat/v1/session_pb.ts';
import { backoffMs } from './backoff.ts';
import type { ClientClock } from './clock.ts';
import type { Conversation } from './conversation.ts';
import { ChatError } from './types.ts';

export interface PageRequest {
  readonly convId: string;
  readonly fromSeq: number;
  readonly limit: number;
  readonly backward: boolean;
}

const limits = {
  /** Pages asked for at a time. */
  parallel: 4,
  page: 200,
  tailPage: 50,
  backoff: { baseMs: 500, maxMs: 20_000 },
  /** Answers in a row that bring nothing before a gap is given up, until something new is heard of it. */
  fruitless: 3,
} as const;

/** Fills gaps: one page at a time per conversation, a few conversations at a time, until the log is complete. */
export class Fetcher {
  readonly #clock: ClientClock;
  readonly #random: () => number;
  readonly #list: (request: PageRequest) => Promise<Entries>;
  readonly #onPage: (conversation: Conversation, entries: Entries) => void;
  readonly #onFilled: (conversation: Conversation) => void;
  readonly #queue = new Set<Conversation>();
  readonly #busy = new Set<Conversation>();
  /** Those that were refused a page, each with what ends its rest. */
  readonly #resting = new Map<Conversation, () => void>();
  /** Refusals in a row. */
  readonly #refusals = new Map<Conversation, number>();
  /** Counts sessions: a page asked for in an earlier one is not ours to follow up. */
  #session = 0;
  #held = true;
  /** The server's limit, as Welcome says. */
  maxPage: number = limits.page;

  constructor(options: {
    clock: ClientClock;
    random: () => number;
    list: (request: PageRequest) => Promise<Entries>;
    onPage: (conversation: Conversation, entries: Entries) => void;
    /** The log is complete, or what it lacks is not to be had. */
    onFilled: (conversation: Conversation) => void;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#list = options.list;
    this.#onPage = options.onPage;
    this.#onFilled = options.onFilled;
  }

  /** The conversation's log may want something. */
  want(conversation: Conversation): void {
    if (this.#busy.has(conversation) || this.#resting.has(conversation)) return;
    this.#queue.add(conversation);
    this.#pump();
  }

  /** Asks for nothing new until `release`. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#pump();
  }

  /** The session is gone: what is still missing is found again by sync. */
  lost(): void {
    this.#session += 1;
    this.#held = true;
    this.#queue.clear();
    this.#busy.clear();
    for (const cancel of this.#resting.values()) cancel();
    this.#resting.clear();
    this.#refusals.clear();
  }

  #pump(): void {
    if (this.#held) return;
    for (const conversation of this.#queue) {
      if (this.#busy.size >= limits.parallel) return;
      this.#queue.delete(conversation);
      if (conversation.log.wanted() === undefined) this.#onFilled(conversation);
      else void this.#fill(conversation, this.#session);
    }
  }

  async #fill(conversation: Conversation, session: number): Promise<void> {
    this.#busy.add(conversation);
    try {
      await this.#pages(conversation, session);
    } catch (cause) {
      if (session !== this.#session) return;
      const refusal = cause instanceof ChatError ? cause : undefined;
      if (refusal === undefined || refusal.retry === 'never') conversation.log.settleHead(0);
      else this.#rest(conversation, refusal.retryAfterMs);
    }
    if (session !== this.#session) return;
    this.#busy.delete(conversation);
    if (conversation.log.wanted() === undefined) this.#onFilled(conversation);
    this.#pump();
  }

  /** Page by page until nothing is wanted, or nothing comes. Rejects where one is refused. */
  async #pages(conversation: Conversation, session: number): Promise<void> {
    const { log } = conversation;
    for (let fruitless = 0; fruitless < limits.fruitless; ) {
      const request = pageFor(conversation, this.maxPage);
      if (request === undefined) return;
      const { headSeq, lastSeq } = log;
      const entries = await this.#list(request);
      if (session !== this.#session) return;
      // What was announced meanwhile may be newer than the page.
      const grew = log.headSeq > headSeq;
      this.#onPage(conversation, entries);
      if (!grew) log.settleHead(Number(entries.headSeq));
      this.#refusals.delete(conversation);
      fruitless = log.lastSeq > lastSeq ? 0 : fruitless + 1;
    }
    log.settleHead(0);
  }

  /** Asks again after a while, and takes nobody's turn meanwhile. */
  #rest(conversation: Conversation, atLeastMs: number): void {
    const refusals = (this.#refusals.get(conversation) ?? 0) + 1;
    this.#refusals.set(conversation, refusals);
    const ms = Math.max(atLeastMs, backoffMs(refusals, this.#random(), limits.backoff));
    const cancel = this.#clock.after(ms, () => {
      this.#resting.delete(conversation);
      this.want(conversation);
    });
    this.#resting.set(conversation, cancel);
  }
}

function pageFor(conversation: Conversation, maxPage: number): PageRequest | undefined {
  const want = conversation.log.wanted();
  const { convId } = conversation;
  if (want === undefined) return undefined;
  if (want.t === 'tail')
    return { convId, fromSeq: 0, limit: Math.min(limits.tailPage, maxPage), backward: true };
  const limit = Math.min(limits.page, maxPage, want.toSeq - want.fromSeq + 1);
  return { convId, fromSeq: want.fromSeq, limit, backward: false };
}
