import { Fault } from '../core/fault.ts';
import { Batch, type BatchHost } from './batch.ts';
import type { RuleLimits } from './evaluate.ts';
import { gatherIntervalMs } from './gather-interval.ts';
import { Judge } from './judge.ts';
import { refuse } from './settle.ts';
import type { Submission } from './submission.ts';

export interface LaneLimits extends RuleLimits {
  /** Bytes of submissions waiting, at most. */
  readonly queueBytes: number;
  readonly batchEntries: number;
  readonly batchBytes: number;
  /** While batches are large, the longest time from the closing of one to the closing of the next; 0: none is waited. */
  readonly gatherMs: number;
}

/** What a lane needs and tells. */
export interface LaneHost extends BatchHost {
  readonly limits: LaneLimits;
  /** Resolves after so many milliseconds. */
  rest(ms: number): Promise<void>;
}

/**
 * Group commit: one batch is in the store's hands while the next one fills, so batches grow with the load by
 * themselves. Under a high load they are closed at an interval, and grow further (gather-interval.ts). All checks are made
 * when a batch closes, after the outcome of the one before is known.
 */
export class Lane {
  readonly #host: LaneHost;
  readonly #judge: Judge;
  #queue: Submission[] = [];
  #queuedBytes = 0;
  #running: Promise<void> | undefined;

  constructor(host: LaneHost) {
    this.#host = host;
    this.#judge = new Judge(host);
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Every submission is settled exactly once, also one that finds the queue full. */
  submit(submission: Submission): void {
    if (this.#queuedBytes + submission.bytes > this.#host.limits.queueBytes) {
      refuse(
        this.#host,
        submission,
        new Fault('overloaded', { message: 'too many commands wait', retryAfterMs: 200 }),
      );
      return;
    }
    this.#queue.push(submission);
    this.#queuedBytes += submission.bytes;
    this.#running ??= this.#run();
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Whatever arrives in this turn of the event loop goes into the first batch.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const batch = this.#take();
      const closedAtMs = this.#host.monotonicMs();
      const returned = await new Batch(this.#host, this.#judge, batch).run();
      this.#queue.unshift(...returned);
      for (const submission of returned) this.#queuedBytes += submission.bytes;
      await this.#gather(batch.length, closedAtMs);
    }
    this.#running = undefined;
  }

  /** Behind a batch of so many commands the next one gathers, unless it is full already. */
  async #gather(commands: number, closedAtMs: number): Promise<void> {
    const { gatherMs, batchEntries } = this.#host.limits;
    if (this.#queue.length >= batchEntries) return;
    const ms = closedAtMs + gatherIntervalMs(commands, gatherMs) - this.#host.monotonicMs();
    if (ms > 0) await this.#host.rest(ms);
  }

  #take(): Submission[] {
    const { batchEntries, batchBytes } = this.#host.limits;
    let count = 0;
    let bytes = 0;
    while (count < this.#queue.length && count < batchEntries && bytes < batchBytes) {
      bytes += (this.#queue[count] as Submission).bytes;
      count += 1;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count);
  }
}
