import {
  type AuditLog,
  type AuditPage,
  type AuditRecord,
  type AuditResult,
  type AuditRetention,
  type AuditShelf,
  auditTrimMost,
} from '../../ports/audit-log.ts';
import { assertSoundPage, assertSoundRecords, auditIdAt } from '../../ports/audit-record.ts';
import type { Database } from './database.ts';
import { changeRows } from './leases.ts';
import type { Row } from './session.ts';
import { bytes, int, text } from './sql.ts';

const shelfNumbers: Record<AuditShelf, number> = { acts: 1, issuedTokens: 2 };
const columns = 'id, at, actor, action, target, remote_address, node, details, result, reason, ended_at';
/** Of a record that is there and has not ended. `ended_at` comes last: the others look at what it was. */
const replaced = columns
  .split(', ')
  .slice(1)
  .map((column) => `${column} = IF(ended_at = 0, VALUES(${column}), ${column})`)
  .join(', ');

/** The audit log beside the messages of a cluster: every message node writes to it. */
export class MySqlAuditLog implements AuditLog {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async write(shelf: AuditShelf, records: readonly AuditRecord[]): Promise<void> {
    assertSoundRecords(records);
    const rows = records.map((record) => valuesOf(shelf, record));
    await changeRows(
      this.#database,
      `INSERT INTO audit_record (shelf, ${columns}) VALUES ${rows.join(',')} ON DUPLICATE KEY UPDATE ${replaced}`,
    );
  }

  async page({ before, limit, shelves }: AuditPage): Promise<readonly AuditRecord[]> {
    assertSoundPage({ before, limit });
    const older = before === undefined ? '' : `AND id < ${idOf(before)}`;
    const [found] = await this.#database.read(
      shelves
        .map(
          (shelf) => `(SELECT ${columns} FROM audit_record WHERE shelf = ${int(shelfNumbers[shelf])} ${older}
            ORDER BY id DESC LIMIT ${int(limit)})`,
        )
        .join(' UNION ALL ')
        .concat(` ORDER BY id DESC LIMIT ${int(limit)}`),
    );
    return (found?.rows ?? []).map(recordOf);
  }

  async trim(shelf: AuditShelf, { keepMs, most }: AuditRetention, nowMs: number): Promise<number> {
    const where = `shelf = ${int(shelfNumbers[shelf])}`;
    const [found] = await this.#database.read(
      `SELECT id FROM audit_record WHERE ${where} ORDER BY id DESC LIMIT 1 OFFSET ${int(most)}`,
    );
    const newest = found?.rows[0]?.[0];
    const over = newest === undefined ? '' : `OR id <= ${bytes(newest as Buffer)}`;
    // Up to an id, not so many: of several nodes that look at once none takes what another one has counted.
    return changeRows(
      this.#database,
      `DELETE FROM audit_record WHERE ${where} AND (id < ${idOf(auditIdAt(nowMs - keepMs))} ${over})
        ORDER BY id LIMIT ${int(auditTrimMost)}`,
    );
  }
}

function valuesOf(shelf: AuditShelf, record: AuditRecord): string {
  const values = [
    int(shelfNumbers[shelf]),
    idOf(record.id),
    int(record.atMs),
    text(record.actor),
    text(record.action),
    text(record.target),
    text(record.remoteAddress),
    text(record.nodeId),
    text(JSON.stringify(record.details)),
    text(record.result),
    text(record.reason),
    int(record.endedAtMs),
  ];
  return `(${values.join(',')})`;
}

function idOf(id: string): string {
  return bytes(Buffer.from(id, 'hex'));
}

function recordOf(row: Row): AuditRecord {
  const [id, atMs, actor, action, target, remoteAddress, nodeId, details, result, reason, endedAtMs] = row;
  return {
    id: (id as Buffer).toString('hex'),
    atMs: Number(atMs),
    actor: String(actor),
    action: String(action),
    target: String(target),
    remoteAddress: String(remoteAddress),
    nodeId: String(nodeId),
    details: JSON.parse(String(details)) as Record<string, string>,
    result: String(result) as AuditResult,
    reason: String(reason),
    endedAtMs: Number(endedAtMs),
  };
}
