import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Service } from '../core/service.ts';
import { type AuditLog, type AuditRetention, type AuditShelf, auditTrimMost } from '../ports/audit-log.ts';

const shelves: readonly AuditShelf[] = ['acts', 'issuedTokens'];
const everyMs = 60_000;

/** Keeps the audit log within its bounds. Of several nodes each does; that is harmless. */
export class AuditKeeper implements Service {
  readonly name = 'audit';
  readonly #audit: Pick<AuditLog, 'trim'>;
  readonly #retention: AuditRetention;
  readonly #clock: Clock;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #trimming: Promise<void> = Promise.resolve();
  /** Records that went because they were too old, or too many. */
  trimmed = 0;

  constructor(parts: {
    readonly audit: Pick<AuditLog, 'trim'>;
    readonly retention: AuditRetention;
    readonly clock: Clock;
    readonly log: Logger;
  }) {
    this.#audit = parts.audit;
    this.#retention = parts.retention;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => {
      this.#trimming = this.#trimming.then(() => this.trim());
    }, everyMs);
  }

  /** Never rejects: what could not be removed is removed later. */
  async trim(): Promise<void> {
    try {
      for (const shelf of shelves)
        for (let gone = auditTrimMost; gone === auditTrimMost; ) {
          gone = await this.#audit.trim(shelf, this.#retention, this.#clock.wallMs());
          this.trimmed += gone;
        }
    } catch (error) {
      this.#log.warn('the audit log could not be trimmed', { 'event.action': 'audit-untrimmed' }, error);
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#trimming;
  }
}
