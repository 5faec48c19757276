import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ArchiveRow } from '../ports/store-archive.ts';
import { archiveTables, type StoreSource } from '../ports/store-archive.ts';
import { ArchiveError } from './archive-error.ts';
import { assertSame, digestStore, totalRows } from './digests.ts';
import { FrameBuilder, type RowsFrame, rowsOf } from './frame.ts';
import {
  formatVersion,
  type Manifest,
  manifestDraftName,
  manifestName,
  storeOf,
  writeManifest,
} from './manifest.ts';
import { readPart } from './part-reader.ts';
import { draftName, PartWriter, partName } from './part-writer.ts';
import type { Progress } from './progress.ts';
import { surveyParts } from './survey.ts';

export interface ExportParts {
  readonly source: StoreSource;
  /** Made where it isn't there; empty, or with an export of the same store that was cut off. */
  readonly directory: string;
  /** Bytes of a file, about. */
  readonly partBytes: number;
  readonly nowMs: () => number;
  readonly progress: Progress;
}

/** The export is already whole: nothing is done. */
export class ExportExistsError extends ArchiveError {
  constructor(directory: string) {
    super(`${directory} holds a finished export already: name another directory, or remove it`);
    this.name = 'ExportExistsError';
  }
}

/**
 * Writes a store into a directory, or goes on with it where it was cut off, whenever that was. What is in the files is
 * then compared with the store, row by row. Rejects with an ArchiveError that says what is wrong.
 */
export async function exportStore(parts: ExportParts): Promise<Manifest> {
  const { source, directory, partBytes, nowMs, progress } = parts;
  const { epoch } = source.record;
  const done = await finishedParts(directory);
  const last = done === 0 ? undefined : await lastRow(directory, done, epoch);
  await source.assertAlone();
  progress.begin(
    done === 0 ? 'exporting' : `exporting, from part ${done + 1} on`,
    await source.estimate(),
    'rows',
  );
  const writer = new PartWriter({ directory, first: done + 1, epoch, partBytes });
  try {
    await writeRows(parts, last, writer);
    await writer.flush();
  } finally {
    await writer.abandon();
  }
  progress.end();
  const count = await finishedParts(directory);
  progress.begin('reading the files again', await bytesOf(directory, count), 'bytes');
  const survey = await surveyParts({ directory, epoch, count, progress });
  progress.end();
  progress.begin('comparing with the store', totalRows(survey.tables), 'rows');
  assertSame(
    await digestStore(source, progress),
    survey.tables,
    `the store was written to while the export was under way, or cut off; remove ${directory} and begin anew`,
  );
  progress.end();
  await source.assertAlone();
  const manifest: Manifest = {
    format: 'parley-archive',
    version: formatVersion,
    createdAtMs: nowMs(),
    store: storeOf(source.record),
    tables: survey.tables,
    parts: [...survey.parts],
  };
  await writeManifest(directory, manifest);
  return manifest;
}

/** How many parts are whole; removes what was cut off. Throws for a directory that is something else. */
async function finishedParts(directory: string): Promise<number> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const names = new Set(await readdir(directory));
  if (names.has(manifestName)) throw new ExportExistsError(directory);
  for (const draft of [draftName, manifestDraftName])
    if (names.delete(draft)) await rm(path.join(directory, draft));
  let count = 0;
  while (names.delete(partName(count + 1))) count += 1;
  const [other] = names;
  if (other === undefined) return count;
  throw new ArchiveError(`${directory} holds ${other}, which belongs to no export: name an empty directory`);
}

/** The row behind which an export goes on. */
async function lastRow(directory: string, no: number, epoch: string): Promise<ArchiveRow | undefined> {
  let last: RowsFrame | undefined;
  for await (const frame of readPart({ directory, no, epoch })) last = frame;
  const row = last && rowsOf(last).at(-1);
  if (row === undefined) throw new ArchiveError(`${partName(no)} has no rows`);
  return row;
}

async function writeRows(
  { source, partBytes, progress }: ExportParts,
  behind: ArchiveRow | undefined,
  writer: PartWriter,
): Promise<void> {
  const first = behind === undefined ? 0 : archiveTables.indexOf(behind.t);
  for (const table of archiveTables.slice(first)) {
    let frame = new FrameBuilder({ table, partBytes });
    for await (const page of source.rows(table, behind?.t === table ? behind : undefined)) {
      for (const row of page) {
        if (!frame.add(row)) continue;
        await writer.write(frame.take());
        frame = new FrameBuilder({ table, partBytes });
      }
      progress.advance(page.length);
    }
    if (frame.count > 0) await writer.write(frame.take());
  }
}

async function bytesOf(directory: string, count: number): Promise<number> {
  let bytes = 0;
  for (let no = 1; no <= count; no += 1) bytes += (await stat(path.join(directory, partName(no)))).size;
  return bytes;
}
