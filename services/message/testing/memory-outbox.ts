import { StoreError } from '../../ports/message-store.ts';
import type { Outbox, OutboxAdoption, OutboxRemoval, OutboxRow } from '../../ports/outbox.ts';
import type { Lease, MemoryRows } from './memory-rows.ts';

const rowsAtOnce = 1_000;
const countAtMost = 1_000_000;
const incarnationsAtOnce = 1_000;

/** The outbox of a store in memory. A batch that was written in several commits has parts, as it does on MySQL. */
export class MemoryOutbox implements Outbox {
  readonly #rows: MemoryRows;
  readonly #nowMs: () => number;

  /** `nowMs`: the store's clock, in milliseconds since 1970. */
  constructor({ rows, nowMs }: { readonly rows: MemoryRows; readonly nowMs: () => number }) {
    this.#rows = rows;
    this.#nowMs = nowMs;
  }

  async rows(incarnation: string, after: bigint, limit: number): Promise<readonly OutboxRow[]> {
    assertBounded('rows', limit, 1, rowsAtOnce);
    const found = new Map<bigint, OutboxRow>();
    for (const part of this.#rows.outbox) {
      const { batchId, createdAtMs, spans } = part;
      if (part.incarnation !== incarnation || batchId <= after) continue;
      const earlier = found.get(batchId);
      found.set(batchId, {
        batchId,
        createdAtMs: earlier?.createdAtMs ?? createdAtMs,
        spans: [...(earlier?.spans ?? []), ...spans],
      });
    }
    return [...found.values()].sort(byBatch).slice(0, limit);
  }

  async count(incarnation: string, limit: number): Promise<number> {
    assertBounded('rows', limit, 1, countAtMost);
    const own = this.#rows.outbox.filter((part) => part.incarnation === incarnation);
    return Math.min(limit, new Set(own.map(({ batchId }) => batchId)).size);
  }

  async remove({ incarnation, batchIds, nowMs, leastAgeMs }: OutboxRemoval): Promise<readonly bigint[]> {
    assertBounded('rows', batchIds.length, 0, rowsAtOnce);
    const which = new Set(batchIds);
    const youngestMs = this.#nowMs() - leastAgeMs;
    if (holds(this.#rows.leases, incarnation, nowMs))
      this.#rows.outbox = this.#rows.outbox.filter(
        (part) =>
          part.incarnation !== incarnation || !which.has(part.batchId) || part.createdAtMs > youngestMs,
      );
    return this.#idsOf(incarnation, which);
  }

  async lapsed(nowMs: number): Promise<readonly string[]> {
    const names = new Set(this.#rows.outbox.map(({ incarnation }) => incarnation));
    return [...names].filter((name) => !holds(this.#rows.leases, name, nowMs)).slice(0, incarnationsAtOnce);
  }

  async adopt({ from, by, batchIds, nowMs }: OutboxAdoption): Promise<readonly bigint[]> {
    assertBounded('rows', batchIds.length, 0, rowsAtOnce);
    const which = new Set(batchIds);
    const { leases, outbox } = this.#rows;
    if (!holds(leases, from, nowMs) && holds(leases, by, nowMs))
      this.#rows.outbox = outbox.map((part) =>
        part.incarnation === from && which.has(part.batchId) ? { ...part, incarnation: by } : part,
      );
    return this.#idsOf(by, which);
  }

  #idsOf(incarnation: string, which: ReadonlySet<bigint>): bigint[] {
    const own = this.#rows.outbox.filter(
      (part) => part.incarnation === incarnation && which.has(part.batchId),
    );
    return [...new Set(own.map(({ batchId }) => batchId))].sort((one, other) => (one < other ? -1 : 1));
  }
}

/** Whether the lease of this name is reserved. */
function holds(leases: ReadonlyMap<number, Lease>, incarnation: string, nowMs: number): boolean {
  for (const { holder, reservedUntilMs } of leases.values())
    if (holder === incarnation && reservedUntilMs >= nowMs) return true;
  return false;
}

function byBatch(one: OutboxRow, other: OutboxRow): number {
  return one.batchId < other.batchId ? -1 : 1;
}

function assertBounded(what: string, count: number, least: number, most: number): void {
  if (!Number.isInteger(count) || count < least || count > most)
    throw new StoreError('rejected', `${count} ${what} at once: ${least} to ${most} are allowed`);
}
