import type { BatchRow, BatchOutbox } from '../../ports/batch-outbox.ts';

/** The rows of an outbox as a test wants them; stands for the table of a database, whose adapter has its own suite. */
export class OutboxTable implements BatchOutbox {
  readonly #rows = new Map<number, Map<bigint, BatchRow>>();
  readonly leases = new Set<number>();
  /** Set to have every call fail. */
  broken: Error | undefined;

  insert(incarnation: number, row: BatchRow): void {
    const rows = this.#rows.get(incarnation) ?? new Map<bigint, BatchRow>();
    this.#rows.set(incarnation, rows.set(row.batchId, row));
  }

  count(incarnation: number): number {
    return this.#rows.get(incarnation)?.size ?? 0;
  }

  async read(incarnation: number, after: bigint, limit: number): Promise<readonly BatchRow[]> {
    this.#check();
    return [...(this.#rows.get(incarnation)?.values() ?? [])]
      .filter(({ batchId }) => batchId > after)
      .sort((a, b) => Number(a.batchId - b.batchId))
      .slice(0, limit);
  }

  async remove(incarnation: number, batchIds: readonly bigint[]): Promise<boolean> {
    this.#check();
    for (const batchId of batchIds) this.#rows.get(incarnation)?.delete(batchId);
    return true;
  }

  async lapsed(limit: number): Promise<readonly number[]> {
    this.#check();
    return [...this.#rows]
      .filter(([incarnation, rows]) => rows.size > 0 && !this.leases.has(incarnation))
      .map(([incarnation]) => incarnation)
      .slice(0, limit);
  }

  #check(): void {
    if (this.broken !== undefined) throw this.broken;
  }
}
