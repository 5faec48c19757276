import type { Outbox, OutboxAdoption, OutboxRemoval, OutboxRow } from '../../ports/outbox.ts';
import type { ThreadCalls } from './thread-calls.ts';

/** The outbox of the embedded store; its rows are in the store's thread. */
export class EmbeddedOutbox implements Outbox {
  readonly #calls: ThreadCalls;

  constructor(calls: ThreadCalls) {
    this.#calls = calls;
  }

  rows(incarnation: string, after: bigint, limit: number): Promise<readonly OutboxRow[]> {
    return this.#calls.call('outboxRows', [incarnation, after, limit]);
  }

  count(incarnation: string, limit: number): Promise<number> {
    return this.#calls.call('outboxCount', [incarnation, limit]);
  }

  remove(removal: OutboxRemoval): Promise<readonly bigint[]> {
    return this.#calls.call('outboxRemove', [removal]);
  }

  lapsed(nowMs: number): Promise<readonly string[]> {
    return this.#calls.call('outboxLapsed', [nowMs]);
  }

  adopt(adoption: OutboxAdoption): Promise<readonly bigint[]> {
    return this.#calls.call('outboxAdopt', [adoption]);
  }
}
