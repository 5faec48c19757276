import { proofProblem } from '../core/key-proof.ts';
import type { KeyRing } from '../core/seal.ts';
import type { StoreTarget } from '../ports/store-archive.ts';
import { ArchiveError } from './archive-error.ts';
import { assertSame, digestStore, totalRows } from './digests.ts';
import { rowsOf } from './frame.ts';
import { archiveIdOf, type Manifest, readManifest, recordOf, tablesOf } from './manifest.ts';
import { readPart } from './part-reader.ts';
import { partName } from './part-writer.ts';
import type { Progress } from './progress.ts';
import { surveyParts } from './survey.ts';

export interface ImportParts {
  /** Holds a finished export. */
  readonly directory: string;
  readonly keys: KeyRing;
  /** Called once the export is known to be one, and to be of these keys. */
  readonly openTarget: () => Promise<StoreTarget>;
  readonly progress: Progress;
}

export interface Imported {
  readonly manifest: Manifest;
  /** The epoch of the store from now on. */
  readonly epoch: string;
  /** It had been imported before: nothing was done. */
  readonly before: boolean;
}

/**
 * Fills an empty store from an export, or goes on with it where it was cut off. The export is read whole before its
 * first row is written, and the store after the last. Rejects with an ArchiveError or a StoreError that says what is
 * wrong; no server opens the store until this has resolved.
 */
export async function importArchive({
  directory,
  keys,
  openTarget,
  progress,
}: ImportParts): Promise<Imported> {
  const manifest = await readManifest(directory);
  proveKeys(manifest, keys);
  await using target = await openTarget();
  await assertWhole(directory, manifest, progress);
  const state = await target.begin(archiveIdOf(manifest), recordOf(manifest.store));
  if (state.t === 'done') return { manifest, epoch: state.epoch, before: true };
  await writeFrames(directory, manifest, target, state.frames, progress);
  progress.begin('comparing with the export', totalRows(tablesOf(manifest)), 'rows');
  assertSame(
    tablesOf(manifest),
    await digestStore(target, progress),
    'the store does not hold what the export holds',
  );
  progress.end();
  return { manifest, epoch: await target.finish(), before: false };
}

/** Rows are copied as they are sealed: whoever is to read them needs the keys that sealed them. */
function proveKeys({ store }: Manifest, keys: KeyRing): void {
  for (const { keyId, proof } of recordOf(store).proofs) {
    if (!keys.ids.includes(keyId))
      throw new ArchiveError(
        `the export is sealed with master key ${keyId}, which was not given: bring it along`,
      );
    if (proofProblem(keys, keyId, proof) !== undefined)
      throw new ArchiveError(
        `master key ${keyId} is not the one that the export is sealed with: bring the keys of its store along`,
      );
  }
}

async function assertWhole(directory: string, manifest: Manifest, progress: Progress): Promise<void> {
  const { store, parts } = manifest;
  progress.begin(
    'reading the export',
    parts.reduce((sum, part) => sum + part.bytes, 0),
    'bytes',
  );
  const survey = await surveyParts({ directory, epoch: store.epoch, count: parts.length, progress });
  for (const [at, part] of parts.entries()) {
    const found = survey.parts[at];
    if (found?.sha256 !== part.sha256 || found.bytes !== part.bytes || found.frames !== part.frames)
      throw new ArchiveError(
        `${partName(at + 1)} is not the one that was exported: its checksum is another one`,
      );
  }
  assertSame(tablesOf(manifest), survey.tables, 'the export does not hold what its manifest says');
  progress.end();
}

async function writeFrames(
  directory: string,
  manifest: Manifest,
  target: StoreTarget,
  written: number,
  progress: Progress,
): Promise<void> {
  const { store, parts } = manifest;
  progress.begin(
    written === 0 ? 'importing' : 'importing, from where it was cut off',
    totalRows(tablesOf(manifest)),
    'rows',
  );
  let frame = 0;
  for (const [at, { frames }] of parts.entries()) {
    if (frame + frames <= written && frames > 0) {
      frame += frames;
      continue;
    }
    for await (const each of readPart({ directory, no: at + 1, epoch: store.epoch })) {
      if (frame >= written) await target.write(frame, rowsOf(each));
      progress.advance(each.count);
      frame += 1;
    }
  }
  progress.end();
}
