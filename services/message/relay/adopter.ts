import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import { Scope } from '../../core/scope.ts';
import type { Outbox, OutboxRow } from '../../ports/outbox.ts';

export interface AdopterParts {
  readonly rows: Outbox;
  /** The name of this run now. */
  incarnation(): string;
  /** Whether this node is the one (rendezvous of batch_id over the live nodes) that adopts the row. */
  adopts(batchId: bigint): boolean;
  /** Rows have become this run's: they are to be published, and removed once they are and `holds` says no more. */
  adopted(batchIds: readonly bigint[]): void;
  /** Rows may have become this run's, the answer was lost: the outbox says, and what is there is to be forwarded, too. */
  maybeAdopted(batchIds: readonly bigint[]): void;
  /** Has the current owner of each conversation forward these rows' entries. Gives the rows that all have confirmed. */
  forward(rows: readonly OutboxRow[]): Promise<ReadonlySet<bigint>>;
  readonly clock: Clock;
  readonly log: Logger;
}

const lookMs = 500;
/** Rows that are looked after at once, at most. */
const mostHeld = 200;
/** Whoever should adopt a row may not be able to: after so long, others do. */
const patienceMs = 10_000;

/**
 * Sees to it that what a dead run committed is forwarded and published: looks for rows of runs whose lease has lapsed,
 * for ever, since a commit may land after its run is dead. It makes them this run's own and holds them until they are
 * forwarded; publishing and removing them is the relay's, as with any row. Several nodes may want a row while their
 * views differ: one gets it.
 */
export class Adopter {
  readonly meters = { adopted: 0, failed: 0 };
  readonly #parts: AdopterParts;
  readonly #scope = new Scope();
  /** Rows of this run that are yet to be forwarded. */
  readonly #held = new Map<bigint, OutboxRow>();
  /** Rows that are being adopted: they may be this run's already. */
  #adopting: ReadonlySet<bigint> = new Set();
  /** The run that the held rows belong to. */
  #incarnation = '';
  /** Since when each lapsed run has rows that nobody adopted. */
  readonly #since = new Map<string, number>();
  #looking: Promise<void> | undefined;

  constructor(parts: AdopterParts) {
    this.#parts = parts;
  }

  /** Rows that are yet to be forwarded. */
  get heldRows(): number {
    return this.#held.size;
  }

  /** Looks at once, and then again and again. */
  async start(): Promise<void> {
    await this.look();
    this.#scope.interval(lookMs, () => void this.look());
  }

  async stop(): Promise<void> {
    this.#scope.close();
    await this.#looking;
  }

  /** Whether a row of this run is yet to be forwarded: then it must not be removed. */
  holds(batchId: bigint): boolean {
    return this.#held.has(batchId) || this.#adopting.has(batchId);
  }

  /** Has a row of this run forwarded, too. */
  take(row: OutboxRow): void {
    this.#renew();
    this.#held.set(row.batchId, row);
  }

  /** One look, joined where one is under way. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    try {
      this.#renew();
      await this.#forward();
      const lapsed = await this.#parts.rows.lapsed(this.#parts.clock.wallMs());
      for (const name of [...this.#since.keys()]) if (!lapsed.includes(name)) this.#since.delete(name);
      for (const name of lapsed) await this.#adopt(name);
    } catch (error) {
      this.meters.failed += 1;
      this.#parts.log.warn('rows of a dead node wait', { 'event.action': 'adoption-failed' }, error);
    }
  }

  /** Rows of a run that is over are for whoever adopts them now. */
  #renew(): void {
    const incarnation = this.#parts.incarnation();
    if (incarnation === this.#incarnation) return;
    this.#incarnation = incarnation;
    this.#held.clear();
  }

  async #adopt(from: string): Promise<void> {
    const { rows, adopts, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    const since = this.#since.get(from) ?? nowMs;
    this.#since.set(from, since);
    const impatient = nowMs - since >= patienceMs;
    for (let after = 0n; !this.#scope.closed && this.#held.size < mostHeld; ) {
      const page = await rows.rows(from, after, mostHeld - this.#held.size);
      const last = page.at(-1);
      if (last === undefined || from === this.#incarnation) return;
      after = last.batchId;
      await this.#make(
        from,
        page.filter(({ batchId }) => impatient || adopts(batchId)),
      );
      await this.#forward();
    }
  }

  /** Makes rows this run's own. */
  async #make(from: string, wanted: readonly OutboxRow[]): Promise<void> {
    if (wanted.length === 0) return;
    const { rows, clock, log } = this.#parts;
    const by = this.#incarnation;
    const batchIds = wanted.map(({ batchId }) => batchId);
    this.#adopting = new Set(batchIds);
    try {
      const had = await rows.adopt({ from, by, batchIds, nowMs: clock.wallMs() });
      if (had.length === 0 || by !== this.#parts.incarnation()) return;
      for (const row of wanted) if (had.includes(row.batchId)) this.#held.set(row.batchId, row);
      this.meters.adopted += had.length;
      this.#parts.adopted(had);
      const fields = { 'event.action': 'rows-adopted', 'parley.rows': had.length };
      log.info('what a dead node committed is looked after', fields);
    } catch (error) {
      // The next look would not find them: they are no dead run's any more.
      if (by === this.#parts.incarnation()) this.#parts.maybeAdopted(batchIds);
      throw error;
    } finally {
      this.#adopting = new Set();
    }
  }

  /** What can't be forwarded now stays held. */
  async #forward(): Promise<void> {
    if (this.#held.size === 0) return;
    for (const batchId of await this.#parts.forward([...this.#held.values()])) this.#held.delete(batchId);
  }
}
