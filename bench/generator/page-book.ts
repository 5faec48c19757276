import { Histogram } from './histogram.ts';
import type { LedgerResult } from './ledger.ts';
import type { Schedule } from './schedule.ts';
import { Violations } from './violations.ts';

/**
 * Pages of history that were asked for. The first page of a conversation is read entry by entry; while nothing is sent
 * there, every later one must be the same bytes.
 */
export class PageBook {
  readonly violations = new Violations();
  readonly latency = new Histogram();
  readonly #verified = new Map<number, Buffer>();
  #pending = new Uint8Array(0);
  #schedule!: Schedule;
  #answered = 0;
  #disturbances: string[] = [];

  begin(schedule: Schedule): void {
    this.#schedule = schedule;
    this.#pending = new Uint8Array(schedule.total).fill(1);
    this.#answered = 0;
    this.#disturbances = [];
    this.violations.reset();
    this.latency.reset();
    this.#verified.clear();
  }

  /** A page came. `problem` says what is wrong with one that is read for the first time. */
  answered(
    k: number,
    conversation: number,
    page: Buffer,
    problem: (page: Buffer) => string | undefined,
  ): void {
    const i = k - this.#schedule.firstK;
    if (this.#pending[i] !== 1) return this.violations.add('repeated', `page ${k} was answered twice`);
    this.#pending[i] = 0;
    this.#answered += 1;
    this.latency.record(performance.now() - this.#schedule.dueAt(k));
    const verified = this.#verified.get(conversation);
    if (verified?.equals(page)) return;
    const why = problem(page) ?? (verified === undefined ? undefined : 'is not the page that it was before');
    if (why === undefined) this.#verified.set(conversation, Buffer.from(page));
    else this.violations.add('altered', `page ${k} of conversation ${conversation} ${why}`);
  }

  disturbed(what: string): void {
    this.#disturbances.push(what);
  }

  get complete(): boolean {
    return this.#answered >= this.#schedule.total;
  }

  result(): LedgerResult {
    const missing = this.#schedule.total - this.#answered;
    if (missing > 0 && this.#disturbances.length === 0)
      this.violations.add('lost', `${missing} pages never came`, missing);
    return {
      sent: this.#schedule.total,
      acked: this.#answered,
      delivered: this.#answered,
      missing,
      disordered: 0,
      disturbed: this.#disturbances.length,
      disturbances: this.#disturbances.slice(0, 5),
      violations: this.violations.total,
      examples: [...this.violations.examples],
      ack: this.latency.summary(),
      delivery: this.latency.summary(),
    };
  }
}
