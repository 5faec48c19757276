import { Scope } from '../../core/scope.ts';
import type { Logger } from '../../core/log.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { BatchRow, BatchOutbox } from '../../ports/batch-outbox.ts';
import { batchOf } from './relay.ts';

export interface AdopterParts {
  readonly rows: BatchOutbox;
  readonly events: Pick<EventLog, 'publish'>;
  /** Whether this node is the one (rendezvous of batch_id over the live nodes) that adopts the row. */
  adopts(batchId: bigint): boolean;
  /** Has the current owner of each conversation forward these rows' entries; resolves when all have confirmed. */
  forward(rows: readonly BatchRow[]): Promise<void>;
  readonly log: Logger;
}

const lookMs = 500;
const pageRows = 500;
const mostIncarnations = 10;

/**
 * Sees to it that what a dead node committed is published and forwarded: looks for rows of incarnations whose lease has
 * lapsed, for ever, and removes a row when that is done. Several nodes may take the same row while their views differ:
 * then it is published twice, never not at all.
 */
export class Adopter {
  readonly meters = { adopted: 0, failed: 0 };
  readonly #parts: AdopterParts;
  readonly #scope = new Scope();
  #looking: Promise<void> | undefined;

  constructor(parts: AdopterParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#scope.interval(lookMs, () => {
      this.#looking ??= this.look().finally(() => {
        this.#looking = undefined;
      });
    });
  }

  async stop(): Promise<void> {
    this.#scope.close();
    await this.#looking;
  }

  /** One look; never rejects. */
  async look(): Promise<void> {
    try {
      for (const incarnation of await this.#parts.rows.lapsed(mostIncarnations))
        await this.#adopt(incarnation);
    } catch (error) {
      this.meters.failed += 1;
      this.#parts.log.warn('rows of a dead node wait', { 'event.action': 'adoption-failed' }, error);
    }
  }

  async #adopt(incarnation: number): Promise<void> {
    const { rows, events, adopts, forward } = this.#parts;
    for (let after = 0n; !this.#scope.closed; ) {
      const page = await rows.read(incarnation, after, pageRows);
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.batchId;
      const own = page.filter(({ batchId }) => adopts(batchId));
      if (own.length === 0) continue;
      await events.publish(own.flatMap((row) => batchOf(row).events));
      await forward(own);
      await rows.remove(
        incarnation,
        own.map(({ batchId }) => batchId),
      );
      this.meters.adopted += own.length;
    }
  }
}
