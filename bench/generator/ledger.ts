import { Histogram, type Latency } from './histogram.ts';
import { Schedule } from './schedule.ts';
import type { Topology } from './topology.ts';
import { Violations } from './violations.ts';

export interface LedgerOptions {
  readonly topology: Topology;
  /** Whether senders get their own messages delivered. */
  readonly echo: boolean;
  /** Whether the server numbers entries. */
  readonly sequenced: boolean;
  /** Whether the server promises the order of one sender's messages. Where it doesn't, disorder is only counted. */
  readonly ordered: boolean;
}

/**
 * What was sent, and what came of it. Every delivery is checked against what its receiver had before: each message
 * knows its sender's previous one in the conversation, and each receiver remembers the last one of every sender, so a
 * loss, a repeat and a swap all show at the next delivery; counts at the end show what never came.
 */
export class Ledger {
  readonly options: LedgerOptions;
  readonly violations = new Violations();
  readonly delivery = new Histogram();
  readonly ack = new Histogram();
  readonly #size: number;
  /** Last message number per (conversation, receiver, sender), plus one. */
  readonly #received: Int32Array;
  /** Last message number per (conversation, sender), plus one. */
  readonly #sent: Int32Array;
  /** Last seq per (conversation, receiver). */
  readonly #seqs: Float64Array;
  // Per message of the pass.
  #conversation = new Int32Array(0);
  #senderSide = new Int32Array(0);
  #previous = new Int32Array(0);
  #ackSeq = new Float64Array(0);
  #entrySeq = new Float64Array(0);
  /** A bit per (message, receiver). */
  #got = new Uint8Array(0);
  /** Before the first pass nothing is known, and what earlier sessions sent may still come. */
  #schedule = new Schedule({ firstK: -1, ratePerSecond: 0, seconds: 0, startMs: 0 });
  #sentCount = 0;
  #acked = 0;
  #delivered = 0;
  #disordered = 0;
  #disturbances: string[] = [];
  #disturbed = 0;

  constructor(options: LedgerOptions) {
    this.options = options;
    const { conversations, size } = options.topology;
    this.#size = size;
    this.#received = new Int32Array(conversations * size * size);
    this.#sent = new Int32Array(conversations * size);
    this.#seqs = new Float64Array(conversations * size);
  }

  begin(schedule: Schedule): void {
    const { total } = schedule;
    this.#schedule = schedule;
    this.#conversation = new Int32Array(total);
    this.#senderSide = new Int32Array(total);
    this.#previous = new Int32Array(total);
    this.#ackSeq = new Float64Array(total);
    this.#entrySeq = new Float64Array(total);
    this.#got = new Uint8Array(Math.ceil((total * this.#size) / 8));
    this.#sentCount = this.#acked = this.#delivered = this.#disordered = this.#disturbed = 0;
    this.#disturbances = [];
    this.violations.reset();
    this.delivery.reset();
    this.ack.reset();
  }

  sending(k: number, conversation: number, side: number): void {
    const i = k - this.#schedule.firstK;
    const slot = conversation * this.#size + side;
    this.#conversation[i] = conversation;
    this.#senderSide[i] = side;
    this.#previous[i] = this.#sent[slot] as number;
    this.#sent[slot] = k + 1;
    this.#sentCount += 1;
  }

  /** The server says that the message is safe. Seq is 0 where there is none. */
  acked(k: number, seq: number, nowMs: number): void {
    if (!this.#known(k)) return this.violations.add('wrongAck', `message ${k} was not sent in this pass`);
    const i = k - this.#schedule.firstK;
    if (this.#ackSeq[i] !== 0) return this.violations.add('wrongAck', `message ${k} was acknowledged twice`);
    this.#ackSeq[i] = seq === 0 ? -1 : seq;
    const entrySeq = this.#entrySeq[i] as number;
    if (seq !== 0 && entrySeq !== 0 && entrySeq !== seq)
      this.violations.add('wrongAck', `message ${k} acknowledged as ${seq}, delivered as ${entrySeq}`);
    this.#acked += 1;
    this.ack.record(nowMs - this.#schedule.dueAt(k));
  }

  delivered(user: number, conversation: number, k: number, seq: number, nowMs: number): void {
    const side = this.options.topology.side(conversation, user);
    if (side < 0 || !this.#known(k) || this.#conversation[k - this.#schedule.firstK] !== conversation)
      return this.violations.add('stray', `user ${user} got message ${k} in conversation ${conversation}`);
    const i = k - this.#schedule.firstK;
    const senderSide = this.#senderSide[i] as number;
    this.#checkOrder(conversation, side, senderSide, k, i);
    if (seq !== 0) this.#checkSeq(conversation, side, k, i, seq);
    if (!this.options.echo && side === senderSide)
      return this.violations.add('stray', `user ${user} got message ${k} of their own`);
    if (!this.#first(i * this.#size + side))
      return this.violations.add('repeated', `user ${user} got message ${k} twice`);
    this.#delivered += 1;
    if (side !== senderSide) this.delivery.record(nowMs - this.#schedule.dueAt(k));
  }

  /** Whether a bit is set for the first time. */
  #first(bit: number): boolean {
    const byte = this.#got[bit >> 3] as number;
    const mask = 1 << (bit & 7);
    this.#got[bit >> 3] = byte | mask;
    return (byte & mask) === 0;
  }

  #checkOrder(conversation: number, side: number, senderSide: number, k: number, i: number): void {
    const slot = (conversation * this.#size + side) * this.#size + senderSide;
    const last = this.#received[slot] as number;
    if (last !== this.#previous[i]) {
      const what = `side ${side} of conversation ${conversation} got message ${k} after ${last - 1}`;
      if (!this.options.ordered) this.#disordered += 1;
      else this.violations.add('outOfOrder', what);
    }
    if (k + 1 > last) this.#received[slot] = k + 1;
  }

  #checkSeq(conversation: number, side: number, k: number, i: number, seq: number): void {
    const at = conversation * this.#size + side;
    const last = this.#seqs[at] as number;
    if (last !== 0 && seq !== last + 1)
      this.violations.add('seqGap', `side ${side} of conversation ${conversation} got ${seq} after ${last}`);
    this.#seqs[at] = seq;
    const before = this.#entrySeq[i] as number;
    const acked = this.#ackSeq[i] as number;
    if ((before !== 0 && before !== seq) || (acked > 0 && acked !== seq))
      this.violations.add('wrongAck', `message ${k} stands at ${seq} and at ${before || acked}`);
    this.#entrySeq[i] = seq;
  }

  /** Deliveries that a reference stream has checked: who had which message is known there. */
  deliveredInBulk(count: number): void {
    this.#delivered += count;
  }

  /** Something that a healthy server does not do, and which makes this pass worthless: a refusal, a gap, a close. */
  disturbed(what: string): void {
    this.#disturbed += 1;
    if (this.#disturbances.length < 5) this.#disturbances.push(what);
  }

  #known(k: number): boolean {
    return this.#schedule.has(k);
  }

  get schedule(): Schedule {
    return this.#schedule;
  }

  conversationOf(k: number): number {
    return this.#known(k) ? (this.#conversation[k - this.#schedule.firstK] as number) : -1;
  }

  senderSideOf(k: number): number {
    return this.#known(k) ? (this.#senderSide[k - this.#schedule.firstK] as number) : -1;
  }

  previousOf(k: number): number {
    return this.#previous[k - this.#schedule.firstK] as number;
  }

  get isDisturbed(): boolean {
    return this.#disturbed > 0;
  }

  get complete(): boolean {
    return this.#acked >= this.#sentCount && this.#delivered >= this.#expected;
  }

  get #expected(): number {
    return this.#sentCount * (this.options.echo ? this.#size : this.#size - 1);
  }

  /** Closes the books: what is missing now is lost, unless the pass was disturbed. */
  result(): LedgerResult {
    const missing = Math.max(0, this.#expected - this.#delivered);
    if (missing > 0 && this.#disturbed === 0)
      this.violations.add('lost', `${missing} of ${this.#expected} deliveries never came`, missing);
    return {
      sent: this.#sentCount,
      acked: this.#acked,
      delivered: this.#delivered,
      missing,
      disordered: this.#disordered,
      disturbed: this.#disturbed,
      disturbances: [...this.#disturbances],
      violations: this.violations.total,
      examples: [...this.violations.examples],
      ack: this.ack.summary(),
      delivery: this.delivery.summary(),
    };
  }

  /** New sessions: nothing is known of what they will see first. */
  forget(): void {
    this.#received.fill(0);
    this.#sent.fill(0);
    this.#seqs.fill(0);
  }
}

export interface LedgerResult {
  readonly sent: number;
  readonly acked: number;
  readonly delivered: number;
  readonly missing: number;
  readonly disordered: number;
  readonly disturbed: number;
  readonly disturbances: readonly string[];
  readonly violations: number;
  readonly examples: readonly string[];
  readonly ack: Latency;
  readonly delivery: Latency;
}
