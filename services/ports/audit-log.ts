/**
 * What is known of how an administrative act ended. `begun`: nothing, or not yet. `refused`: nothing was carried out.
 * `failed`: it may have been, in part.
 */
export type AuditResult = 'begun' | 'done' | 'refused' | 'failed';

/** An administrative act. Never holds what people write, nor tokens. */
export interface AuditRecord {
  /** 32 hexadecimal digits that sort by time; see `newAuditId`. */
  readonly id: string;
  readonly atMs: number;
  /** At most 256 characters each, here and in what follows. */
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly remoteAddress: string;
  readonly nodeId: string;
  /** At most 16. */
  readonly details: Readonly<Record<string, string>>;
  readonly result: AuditResult;
  readonly reason: string;
  /** 0 where it is not known. */
  readonly endedAtMs: number;
}

/** Records are kept on two shelves, so that tokens, which are issued by the thousand, drive no other act out. */
export type AuditShelf = 'acts' | 'issuedTokens';

export interface AuditPage {
  /** What is older than this record; undefined: from the newest on. */
  readonly before: string | undefined;
  /** 1 to 1,000. */
  readonly limit: number;
  readonly shelves: readonly AuditShelf[];
}

/** What stays: all that is younger than `keepMs`, and of it the newest `most`. */
export interface AuditRetention {
  readonly keepMs: number;
  readonly most: number;
}

/**
 * The audit log, kept with the store. Every method may reject with a StoreError: `unavailable` when later may work,
 * `rejected` for what is out of bounds. All may be repeated.
 */
export interface AuditLog {
  /**
   * Writes records durably before it resolves, 1 to 1,000 of them, all or none. One with the id of an earlier record of
   * its shelf takes its place, so an act that was begun is told how it ended; but one that has ended (`endedAtMs` is not
   * 0) stays as it is, whatever comes late.
   */
  write(shelf: AuditShelf, records: readonly AuditRecord[]): Promise<void>;
  /** Records of the shelves, the newest first. */
  page(page: AuditPage): Promise<readonly AuditRecord[]>;
  /**
   * Removes what is not to stay, up to 10,000 records at a time. Gives how many went. Several may do so at once: nothing
   * goes that is to stay.
   */
  trim(shelf: AuditShelf, retention: AuditRetention, nowMs: number): Promise<number>;
}

export const auditPageMost = 1_000;
export const auditTrimMost = 10_000;
