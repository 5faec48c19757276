import { backoffMs } from '../../core/backoff.ts';
import type { Logger } from '../../core/log.ts';
import { Scope } from '../../core/scope.ts';
import { DirectoryError, type Revocation } from '../../ports/directory.ts';

const atOnce = 200;
/** Longest pause behind a batch that Redis had already: many nodes come back to it at the same moment. */
const pauseMs = 500;
const retry = { firstMs: 200, maxMs: 5_000 };

export interface RevocationReturnParts {
  /** Resolves with whether Redis lacked it; rejects with a DirectoryError when that can't be said. */
  readonly write: (revocation: Revocation) => Promise<boolean>;
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * Gives Redis back the revocations that it may have lost, beside whatever else goes on. Most often it lacks the last of
 * them or none, so the newest come first, and a batch that was all there already is followed by a pause: of many nodes
 * that give back the same, those that come second have time. What is lacking goes as fast as Redis takes it.
 */
export class RevocationReturn {
  readonly #parts: RevocationReturnParts;
  readonly #scope = new Scope();
  /** The newest last. */
  #left: Revocation[] = [];
  #lacked = 0;
  #running = false;

  constructor(parts: RevocationReturnParts) {
    this.#parts = parts;
  }

  /** Gives these back, the newest of them last; what is left of an earlier call is among them. */
  begin(standing: readonly Revocation[]): void {
    this.#left = [...standing];
    if (!this.#running) void this.#run();
  }

  close(): void {
    this.#scope.close();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let failures = 0; this.#left.length > 0 && !this.#scope.closed; ) {
      try {
        const lacked = await this.#batch();
        failures = 0;
        if (lacked === 0 && this.#left.length > 0) await this.#pause(pauseMs * this.#parts.random());
      } catch (error) {
        if (!(error instanceof DirectoryError)) this.#bug(error);
        await this.#pause(backoffMs(failures, retry, this.#parts.random));
        failures += 1;
      }
    }
    this.#running = false;
    this.#told();
  }

  /** How many of them Redis lacked. */
  async #batch(): Promise<number> {
    const left = this.#left;
    const batch = left.slice(-atOnce);
    const results = await Promise.allSettled(batch.map((each) => this.#parts.write(each)));
    const lacked = results.filter((result) => result.status === 'fulfilled' && result.value).length;
    this.#lacked += lacked;
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    // Where it began anew meanwhile, this is the list of before.
    left.length -= batch.length;
    return lacked;
  }

  #told(): void {
    if (this.#lacked === 0) return;
    const fields = { 'event.action': 'revocations-restored', 'parley.count': this.#lacked };
    this.#lacked = 0;
    this.#parts.log.warn('the directory had lost revocations: they are written again', fields);
  }

  /** Ends when this is closed, too. */
  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms).unref();
    const forget = this.#scope.add(resolve);
    await promise;
    clearTimeout(timer);
    forget();
  }

  #bug(error: unknown): void {
    this.#parts.log.error(
      'a revocation could not be given back',
      { 'event.action': 'internal-error' },
      error,
    );
  }
}
