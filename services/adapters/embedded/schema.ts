import { randomBytes } from 'node:crypto';
import { openSecret, proofProblem, sealProof, sealSecret } from '../../core/key-proof.ts';
import { StoreError } from '../../ports/message-store.ts';
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { keyProofKey, metaKey, table, tableRange } from './keys.ts';
import type { Level } from './level.ts';
import type { KeyRing } from '../../core/seal.ts';

export type LevelBatch = ReturnType<Level['batch']>;

/** Takes the layout one version further, in one atomic batch that also writes the new version. */
export type Migration = (level: Level, batch: LevelBatch, keys: KeyRing) => void | Promise<void>;

/** migrations[n] leads from version n to n + 1. Append, never change: data directories out there have run them. */
export const migrations: readonly Migration[] = [createStore, placesOfCommits];

/** What a store is, besides its conversations. */
export interface StoreIdentity {
  readonly epoch: string;
  readonly clientKeySecret: Uint8Array;
}

const versionName = 'schema_version';
export const epochName = 'store_epoch';
export const secretName = 'client_key_secret';

/** Brings the layout up to date, proves the master keys, and reads who the store is. */
export async function prepareSchema(
  level: Level,
  keys: KeyRing,
  steps: readonly Migration[] = migrations,
): Promise<StoreIdentity> {
  let version = versionOf(level);
  if (version > steps.length)
    throw new StoreError(
      'unavailable',
      `the store has layout version ${version}, this program knows ${steps.length}: start a newer one`,
    );
  if (version > 0) await proveKeys(level, keys);
  for (; version < steps.length; version++) {
    const batch = level.batch();
    await steps[version]?.(level, batch, keys);
    await batch.put(metaKey(versionName), encodeU32(version + 1)).write({ sync: true });
  }
  await addProofs(level, keys);
  return {
    epoch: meta(level, epochName).toString('utf8'),
    clientKeySecret: readSecret(meta(level, secretName), keys),
  };
}

function versionOf(level: Level): number {
  const found = level.getSync(metaKey(versionName));
  return found === undefined ? 0 : new ByteReader(found).u32();
}

/** The layout as it is, 0 for a store that was never begun, and the epoch. */
export function readSchema(level: Level): { readonly version: number; readonly epoch: string } {
  const version = versionOf(level);
  return { version, epoch: version === 0 ? '' : meta(level, epochName).toString('utf8') };
}

function createStore(_level: Level, batch: LevelBatch, keys: KeyRing): void {
  batch.put(metaKey(epochName), Buffer.from(randomBytes(16).toString('hex')));
  const { keyId, bytes } = sealSecret(keys, randomBytes(32));
  const secret = ByteWriter.row();
  secret.u32(keyId);
  secret.raw(bytes);
  batch.put(metaKey(secretName), secret.view());
}

/** From here on commits write rows of `places`, which programs before don't look into; what is there stays as it is. */
function placesOfCommits(): void {}

function readSecret(row: Buffer, keys: KeyRing): Uint8Array {
  const reader = new ByteReader(row);
  return openSecret(keys, { keyId: reader.u32(), bytes: reader.rest() });
}

/** Every master key that ever sealed here must be given, and be the same one. */
export async function proveKeys(level: Level, keys: KeyRing): Promise<void> {
  for await (const [key, bytes] of level.iterator(tableRange(table.keyProof))) {
    const problem = proofProblem(keys, key.readUInt32BE(1), bytes);
    if (problem !== undefined) throw new StoreError('unavailable', problem);
  }
}

async function addProofs(level: Level, keys: KeyRing): Promise<void> {
  const batch = level.batch();
  for (const keyId of keys.ids) {
    const key = keyProofKey(keyId);
    if (level.getSync(key) === undefined) batch.put(key, Buffer.from(sealProof(keys, keyId)));
  }
  await batch.write({ sync: true });
}

function meta(level: Level, name: string): Buffer {
  const value = level.getSync(metaKey(name));
  if (value === undefined)
    throw new StoreError('unavailable', `the store has no ${name}: not a store of Parley?`);
  return value;
}

function encodeU32(value: number): Buffer {
  const out = ByteWriter.row();
  out.u32(value);
  return out.view();
}
