import { randomBytes } from 'node:crypto';
import { type AuditRecord, auditPageMost } from './audit-log.ts';
import { StoreError } from './message-store.ts';

const idPattern = /^[0-9a-f]{32}$/;
const textMost = 256;
const detailsMost = 16;
const timeDigits = 12;

/** A new record's id: 48 bits of time and 80 random ones, as in a UUID of version 7. */
export function newAuditId(atMs: number): string {
  return timeOf(atMs) + randomBytes(10).toString('hex');
}

/** Below every id of that time, above those before. */
export function auditIdAt(atMs: number): string {
  return timeOf(atMs).padEnd(32, '0');
}

/** As much of a text as a record has room for. */
export function auditText(text: string): string {
  const sound = text.toWellFormed();
  if (sound.length <= textMost) return sound;
  // In whole characters.
  return `${sound.slice(0, textMost - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** As many details as a record has room for; the last one tells how many more there were. */
export function auditDetails(details: Readonly<Record<string, string>>): Record<string, string> {
  const all = Object.entries(details).map(([name, value]) => [auditText(name), auditText(value)] as const);
  if (all.length <= detailsMost) return Object.fromEntries(all);
  const left = all.slice(0, detailsMost - 1);
  return { ...Object.fromEntries(left), '…': `${all.length - left.length} more` };
}

/** Throws a StoreError `rejected` for what a log does not keep. */
export function assertSoundRecords(records: readonly AuditRecord[]): void {
  if (records.length < 1 || records.length > auditPageMost)
    throw new StoreError('rejected', `${records.length} records at once: 1 to ${auditPageMost} are allowed`);
  for (const record of records) {
    if (!idPattern.test(record.id)) throw new StoreError('rejected', 'a record has an id of 32 hex digits');
    const details = Object.entries(record.details);
    if (details.length > detailsMost) throw new StoreError('rejected', 'a record has too many details');
    const { actor, action, target, remoteAddress, nodeId, reason } = record;
    const texts = [actor, action, target, remoteAddress, nodeId, reason, ...details.flat()];
    if (texts.some((text) => text.length > textMost || !text.isWellFormed()))
      throw new StoreError('rejected', `a text of a record has more than ${textMost} characters`);
  }
}

/** Throws a StoreError `rejected` for a page that can't be read. */
export function assertSoundPage(page: { readonly before: string | undefined; readonly limit: number }): void {
  if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > auditPageMost)
    throw new StoreError('rejected', `${page.limit} records at once: 1 to ${auditPageMost} are allowed`);
  if (page.before !== undefined && !idPattern.test(page.before))
    throw new StoreError('rejected', 'a page of records begins at an id of 32 hex digits');
}

function timeOf(atMs: number): string {
  return Math.max(0, Math.floor(atMs)).toString(16).padStart(timeDigits, '0').slice(-timeDigits);
}
