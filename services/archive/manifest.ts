import { createHash } from 'node:crypto';
import { open, readFile, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { syncDirectory } from '../core/sync-files.ts';
import type { StoreRecord } from '../ports/store-archive.ts';
import { ArchiveError } from './archive-error.ts';
import { noRows, type TableDigests } from './digests.ts';

export const manifestName = 'archive.json';
export const manifestDraftName = 'archive.json.draft';
/** Of half a million parts. */
const manifestBytesAtMost = 128 * 1024 * 1024;

/** 2: users, with their devices and what they want. */
export const formatVersion = 2;

const hex = z.string().regex(/^([0-9a-f]{2})*$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);
const digest = z.object({ rows: count, sha256 });

const manifestType = z.object({
  format: z.literal('parley-archive'),
  version: z.union([z.literal(1), z.literal(2)]),
  createdAtMs: count,
  store: z.object({
    epoch: z.string().min(1).max(32),
    secret: z.object({ keyId: count, sealed: hex }),
    proofs: z.array(z.object({ keyId: count, proof: hex })),
    leases: z
      .array(
        z.object({
          worker: z.int().min(0).max(1023),
          holder: z.string().min(1).max(256),
          reservedUntilMs: count,
        }),
      )
      .max(1_024),
  }),
  tables: z.object({
    conversation: digest,
    group: digest,
    member: digest,
    cursor: digest,
    entry: digest,
    /** Version 1 has none. */
    user: digest.optional(),
  }),
  parts: z.array(z.object({ bytes: count, frames: count, sha256 })),
});

/** What an archive holds. It is written last: without it, the export is not finished. */
export type Manifest = z.infer<typeof manifestType>;

const fileType = z.object({ manifest: z.unknown(), sha256 });

/** What an archive holds of each table. */
export function tablesOf({ tables }: Pick<Manifest, 'tables'>): TableDigests {
  return { ...tables, user: tables.user ?? noRows };
}

/** The same for the same content: what names an archive. */
export function archiveIdOf(manifest: Manifest): string {
  // Parsed, so that the order of fields is always the same.
  return createHash('sha256')
    .update(JSON.stringify(manifestType.parse(manifest)))
    .digest('hex');
}

export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  const draft = path.join(directory, manifestDraftName);
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify({ manifest, sha256: archiveIdOf(manifest) })}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path.join(directory, manifestName));
  await syncDirectory(directory);
}

/** Throws an ArchiveError where there is no finished export, or its manifest was changed. */
export async function readManifest(directory: string): Promise<Manifest> {
  const file = path.join(directory, manifestName);
  const text = await readBounded(file, directory);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new ArchiveError(`${file} is damaged: it is no JSON`, cause);
  }
  const outer = fileType.safeParse(parsed);
  if (!outer.success) throw new ArchiveError(`${file} is no manifest of an export`);
  const { version } = Object(outer.data.manifest) as { version?: unknown };
  if (typeof version === 'number' && version > formatVersion)
    throw new ArchiveError(
      `${file} has version ${version} of the format, this program knows ${formatVersion}: use a newer one`,
    );
  const manifest = manifestType.safeParse(outer.data.manifest);
  if (!manifest.success) throw new ArchiveError(`${file} is damaged: ${z.prettifyError(manifest.error)}`);
  if (archiveIdOf(manifest.data) !== outer.data.sha256)
    throw new ArchiveError(`${file} is damaged: its checksum is another one`);
  return manifest.data;
}

async function readBounded(file: string, directory: string): Promise<string> {
  try {
    if ((await stat(file)).size > manifestBytesAtMost) throw new ArchiveError(`${file} is too large`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (!(error instanceof Error) || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new ArchiveError(
      `${directory} holds no export, or one that is not finished: there is no ${manifestName}`,
    );
  }
}

export function storeOf({ epoch, secret, proofs, leases }: StoreRecord): Manifest['store'] {
  return {
    epoch,
    secret: { keyId: secret.keyId, sealed: toHex(secret.sealed) },
    proofs: proofs.map(({ keyId, proof }) => ({ keyId, proof: toHex(proof) })),
    leases: leases.map(({ worker, holder, reservedUntilMs }) => ({ worker, holder, reservedUntilMs })),
  };
}

export function recordOf({ epoch, secret, proofs, leases }: Manifest['store']): StoreRecord {
  return {
    epoch,
    secret: { keyId: secret.keyId, sealed: Buffer.from(secret.sealed, 'hex') },
    proofs: proofs.map(({ keyId, proof }) => ({ keyId, proof: Buffer.from(proof, 'hex') })),
    leases,
  };
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
