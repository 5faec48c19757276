import type { Clock } from './clock.ts';
import { Incarnation } from './incarnation.ts';
import type { Service } from './service.ts';
import { type HeldLease, IdSource } from './snowflake.ts';

/** The one verb of the store that ids need. */
export interface LeaseStore {
  leaseWorker(holder: string, nowMs: number, untilMs: number): Promise<HeldLease>;
}

export interface LeaseHolderOptions {
  readonly store: LeaseStore;
  readonly clock: Clock;
  /** The name of this run, where others need it, too; renewed when the lease has lapsed. */
  readonly incarnation?: Incarnation;
  /** How long a lease lasts, and how often it is prolonged: several attempts fit before it ends. */
  readonly leaseMs?: number;
  readonly renewEveryMs?: number;
  /** Told of each renewal that failed; ids go on until the lease ends. */
  readonly onFailure?: (error: unknown) => void;
}

type Timed = LeaseHolderOptions & { readonly leaseMs: number; readonly incarnation: Incarnation };

/**
 * Holds a worker number of the id library for this run of the process and prolongs it in the background. Each run takes
 * a number of its own: a name that outlives the process would let a restart after the clock was set back repeat ids. A
 * lease that has lapsed is over: the next one is taken under another name.
 */
export class LeaseHolder implements Service {
  readonly name = 'ids';
  readonly source: IdSource;
  /** Renewals that failed; each is made again. */
  failures = 0;
  readonly #options: Timed;
  #reservedUntilMs: number;
  #timer: NodeJS.Timeout | undefined;
  #renewal: Promise<void> | undefined;

  private constructor(options: Timed, lease: HeldLease, source: IdSource) {
    this.#options = options;
    this.#reservedUntilMs = lease.reservedUntilMs;
    this.source = source;
  }

  /** Takes a number; the source can be used at once. */
  static async take(options: LeaseHolderOptions): Promise<LeaseHolder> {
    const { store, clock, leaseMs = 30_000, incarnation = new Incarnation() } = options;
    const fromMs = clock.wallMs();
    const lease = await store.leaseWorker(incarnation.name, fromMs, fromMs + leaseMs);
    const source = new IdSource({ clock, lease, fromMs });
    return new LeaseHolder({ ...options, leaseMs, incarnation }, lease, source);
  }

  /** How much longer ids can be drawn unless the lease is renewed, in milliseconds; negative once it has lapsed. */
  get leftMs(): number {
    return this.#reservedUntilMs - this.#options.clock.wallMs();
  }

  async start(): Promise<void> {
    this.#timer = setInterval(
      () => void this.renew(),
      this.#options.renewEveryMs ?? this.#options.leaseMs / 5,
    );
    this.#timer.unref();
  }

  /** Prolongs the lease now; joins a renewal that is under way. Never rejects. */
  renew(): Promise<void> {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewal;
  }

  async #renew(): Promise<void> {
    const { store, clock, leaseMs, onFailure, incarnation } = this.#options;
    const nowMs = clock.wallMs();
    // Others take this run for dead, and may be at what it left.
    if (nowMs > this.#reservedUntilMs) incarnation.renew();
    try {
      const lease = await store.leaseWorker(incarnation.name, nowMs, nowMs + leaseMs);
      this.#reservedUntilMs = lease.reservedUntilMs;
      this.source.renew(lease, nowMs);
    } catch (error) {
      this.failures += 1;
      onFailure?.(error);
    }
  }
}
