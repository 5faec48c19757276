import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { Service } from './service.ts';
import { type HeldLease, IdSource } from './snowflake.ts';

/** The one verb of the store that ids need. */
export interface LeaseStore {
  leaseWorker(holder: string, nowMs: number, untilMs: number): Promise<HeldLease>;
}

export interface LeaseHolderOptions {
  readonly store: LeaseStore;
  readonly clock: Clock;
  /** How long a lease lasts, and how often it is prolonged: several attempts fit before it ends. */
  readonly leaseMs?: number;
  readonly renewEveryMs?: number;
  /** Told of each renewal that failed; ids go on until the lease ends. */
  readonly onFailure?: (error: unknown) => void;
}

type Timed = LeaseHolderOptions & { readonly leaseMs: number };

/**
 * Holds a worker number of the id library for this run of the process and prolongs it in the background. Each run takes
 * a number of its own: a name that outlives the process would let a restart after the clock was set back repeat ids.
 */
export class LeaseHolder implements Service {
  readonly name = 'ids';
  readonly source: IdSource;
  readonly #options: Timed;
  readonly #holder: string;
  #timer: NodeJS.Timeout | undefined;
  #renewal: Promise<void> | undefined;

  private constructor(options: Timed, holder: string, source: IdSource) {
    this.#options = options;
    this.#holder = holder;
    this.source = source;
  }

  /** Takes a number; the source can be used at once. */
  static async take(options: LeaseHolderOptions): Promise<LeaseHolder> {
    const { store, clock, leaseMs = 30_000 } = options;
    const holder = randomUUID();
    const fromMs = clock.wallMs();
    const lease = await store.leaseWorker(holder, fromMs, fromMs + leaseMs);
    return new LeaseHolder({ ...options, leaseMs }, holder, new IdSource({ clock, lease, fromMs }));
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
    const { store, clock, leaseMs, onFailure } = this.#options;
    const nowMs = clock.wallMs();
    try {
      this.source.renew(await store.leaseWorker(this.#holder, nowMs, nowMs + leaseMs), nowMs);
    } catch (error) {
      onFailure?.(error);
    }
  }
}
