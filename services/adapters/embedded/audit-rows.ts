import {
  type AuditPage,
  type AuditRecord,
  type AuditRetention,
  type AuditShelf,
  auditTrimMost,
} from '../../ports/audit-log.ts';
import { assertSoundPage, assertSoundRecords, auditIdAt } from '../../ports/audit-record.ts';
import type { Database } from './database.ts';
import { after, auditIdOf, auditKey, auditPrefix } from './keys.ts';
import { writeRows } from './write-rows.ts';

const shelfNumbers: Record<AuditShelf, number> = { acts: 1, issuedTokens: 2 };

/** The audit log in the store's thread; see `AuditLog`. One that changes something at a time. */
export class AuditRows {
  readonly #database: Database;
  /** Records a shelf, once they were counted: counting walks all of them. */
  readonly #counts = new Map<AuditShelf, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  async write(shelf: AuditShelf, records: readonly AuditRecord[]): Promise<void> {
    assertSoundRecords(records);
    const changes: { type: 'put'; key: Buffer; value: Buffer }[] = [];
    let fresh = 0;
    for (const { id, ...rest } of records) {
      const key = auditKey(shelfNumbers[shelf], id);
      const before = this.#database.level.getSync(key);
      if (before === undefined) fresh += 1;
      else if (recordOf(key, before).endedAtMs !== 0) continue;
      changes.push({ type: 'put', key, value: Buffer.from(JSON.stringify(rest)) });
    }
    await writeRows(this.#database, changes, { sync: true });
    const known = this.#counts.get(shelf);
    if (known !== undefined) this.#counts.set(shelf, known + fresh);
  }

  async page({ before, limit, shelves }: AuditPage): Promise<AuditRecord[]> {
    assertSoundPage({ before, limit });
    const found: AuditRecord[] = [];
    for (const shelf of shelves) {
      const no = shelfNumbers[shelf];
      const lt = before === undefined ? after(auditPrefix(no)) : auditKey(no, before);
      const rows = await this.#database.level
        .iterator({ gte: auditPrefix(no), lt, reverse: true, limit })
        .all();
      for (const [key, value] of rows) found.push(recordOf(key, value));
    }
    return found.sort((one, other) => (one.id < other.id ? 1 : -1)).slice(0, limit);
  }

  async trim(shelf: AuditShelf, { keepMs, most }: AuditRetention, nowMs: number): Promise<number> {
    const no = shelfNumbers[shelf];
    const range = { gte: auditPrefix(no), lt: after(auditPrefix(no)) };
    const count = this.#counts.get(shelf) ?? (await this.#count(range));
    const over = count - most;
    const oldestStaying = auditKey(no, auditIdAt(nowMs - keepMs));
    const gone: Buffer[] = [];
    for await (const key of this.#database.level.keys({ ...range, limit: auditTrimMost })) {
      if (gone.length >= over && Buffer.compare(key, oldestStaying) >= 0) break;
      gone.push(key);
    }
    await writeRows(
      this.#database,
      gone.map((key) => ({ type: 'del' as const, key })),
      { sync: false },
    );
    this.#counts.set(shelf, count - gone.length);
    return gone.length;
  }

  async #count(range: { readonly gte: Buffer; readonly lt: Buffer }): Promise<number> {
    let count = 0;
    for await (const _ of this.#database.level.keys(range)) count += 1;
    return count;
  }
}

function recordOf(key: Buffer, value: Buffer): AuditRecord {
  return { id: auditIdOf(key), ...(JSON.parse(value.toString()) as Omit<AuditRecord, 'id'>) };
}
