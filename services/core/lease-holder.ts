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
  /**
   * The same by the monotonic clock, and so as others see it: for them the lease of a run whose wall clock was set back
   * ends when it would have ended before.
   */
  #lapsesAtMs: number;
  #timer: NodeJS.Timeout | undefined;
  #renewal: Promise<void> | undefined;

  private constructor(options: Timed, taken: Taken, source: IdSource) {
    this.#options = options;
    this.#reservedUntilMs = taken.lease.reservedUntilMs;
    this.#lapsesAtMs = endOf(taken);
    this.source = source;
  }

  /** Takes a number; the source can be used at once. */
  static async take(options: LeaseHolderOptions): Promise<LeaseHolder> {
    const { store, clock, leaseMs = 30_000, incarnation = new Incarnation() } = options;
    const [fromMs, askedAtMs] = [clock.wallMs(), clock.monotonicMs()];
    const lease = await store.leaseWorker(incarnation.name, fromMs, fromMs + leaseMs);
    const source = new IdSource({ clock, lease, fromMs });
    return new LeaseHolder({ ...options, leaseMs, incarnation }, { lease, fromMs, askedAtMs }, source);
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
    const [nowMs, askedAtMs] = [clock.wallMs(), clock.monotonicMs()];
    // Others take this run for dead, and may be at what it left.
    const hasLapsed = nowMs > this.#reservedUntilMs || askedAtMs > this.#lapsesAtMs;
    if (hasLapsed) incarnation.renew();
    try {
      const lease = await store.leaseWorker(incarnation.name, nowMs, nowMs + leaseMs);
      const grownMs = lease.reservedUntilMs - this.#reservedUntilMs;
      const end = endOf({ lease, fromMs: nowMs, askedAtMs });
      this.#lapsesAtMs = hasLapsed ? end : Math.min(end, this.#lapsesAtMs + grownMs);
      this.#reservedUntilMs = lease.reservedUntilMs;
      this.source.renew(lease, nowMs);
    } catch (error) {
      this.failures += 1;
      onFailure?.(error);
    }
  }
}

interface Taken {
  readonly lease: HeldLease;
  /** When it was asked for, by the wall clock and by the monotonic one. */
  readonly fromMs: number;
  readonly askedAtMs: number;
}

/** When a lease ends, by the monotonic clock, if the wall clock was right when it was asked for. */
function endOf({ lease, fromMs, askedAtMs }: Taken): number {
  return askedAtMs + lease.reservedUntilMs - fromMs;
}
