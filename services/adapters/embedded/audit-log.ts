import type { AuditLog, AuditPage, AuditRecord, AuditRetention, AuditShelf } from '../../ports/audit-log.ts';
import type { ThreadCalls } from './thread-calls.ts';

/** The audit log of the embedded store; its rows are in the store's thread. */
export class EmbeddedAuditLog implements AuditLog {
  readonly #calls: ThreadCalls;

  constructor(calls: ThreadCalls) {
    this.#calls = calls;
  }

  write(shelf: AuditShelf, records: readonly AuditRecord[]): Promise<void> {
    return this.#calls.call('auditWrite', [shelf, records]);
  }

  page(page: AuditPage): Promise<readonly AuditRecord[]> {
    return this.#calls.call('auditPage', [page]);
  }

  trim(shelf: AuditShelf, retention: AuditRetention, nowMs: number): Promise<number> {
    return this.#calls.call('auditTrim', [shelf, retention, nowMs]);
  }
}
