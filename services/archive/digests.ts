import { createHash, type Hash } from 'node:crypto';
import { type ArchiveTable, archiveTables, type RowSource } from '../ports/store-archive.ts';
import { ArchiveError } from './archive-error.ts';
import { lengthAndRow, type RowsFrame } from './frame.ts';
import type { Progress } from './progress.ts';

export interface TableDigest {
  readonly rows: number;
  /** SHA-256 of all rows in their order, in hex. */
  readonly sha256: string;
}

/** Of a table without rows. */
export const noRows: TableDigest = { rows: 0, sha256: createHash('sha256').digest('hex') };

export type TableDigests = Readonly<Record<ArchiveTable, TableDigest>>;

/** Counts and digests of tables, as they are read. */
export class Digester {
  readonly #tables = new Map<ArchiveTable, { rows: number; readonly hash: Hash }>();

  add({ table, count, rows }: RowsFrame): void {
    let of = this.#tables.get(table);
    if (of === undefined) {
      of = { rows: 0, hash: createHash('sha256') };
      this.#tables.set(table, of);
    }
    of.rows += count;
    of.hash.update(rows);
  }

  /** Of all tables; nothing may be added behind it. */
  finish(): TableDigests {
    const digest = (table: ArchiveTable): [ArchiveTable, TableDigest] => {
      const { rows, hash } = this.#tables.get(table) ?? { rows: 0, hash: createHash('sha256') };
      return [table, { rows, sha256: hash.digest('hex') }];
    };
    return Object.fromEntries(archiveTables.map(digest)) as TableDigests;
  }
}

/** Reads a whole store. */
export async function digestStore(store: RowSource, progress: Progress): Promise<TableDigests> {
  const digester = new Digester();
  for (const table of archiveTables) {
    for await (const page of store.rows(table, undefined)) {
      digester.add({ table, count: page.length, rows: Buffer.concat(page.map(lengthAndRow)) });
      progress.advance(page.length);
    }
  }
  return digester.finish();
}

/** Throws an ArchiveError that names the first table in which the two differ. `words` says what is wrong then. */
export function assertSame(one: TableDigests, other: TableDigests, words: string): void {
  for (const table of archiveTables) {
    const [here, there] = [one[table], other[table]];
    if (here.rows !== there.rows)
      throw new ArchiveError(`${words}: ${table} has ${there.rows} rows, not ${here.rows}`);
    if (here.sha256 !== there.sha256) throw new ArchiveError(`${words}: the rows of ${table} are others`);
  }
}

export function totalRows(digests: TableDigests): number {
  return archiveTables.reduce((sum, table) => sum + digests[table].rows, 0);
}
