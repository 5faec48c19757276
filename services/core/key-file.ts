import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createOnce } from './create-once.ts';
import type { MasterKey } from './seal.ts';
import { syncDirectory } from './sync-files.ts';

const preface = `# Master keys of this Parley store, one a line: its number and 64 hex digits.
# The highest number seals what is written from now on, all others open what was sealed before: to change keys, add a
# line and keep the old ones; nodes that share a database go on with PARLEY_SEALING_KEY meanwhile. Without this file the store can't be read: keep a copy elsewhere, and keep it secret.
`;

/**
 * The master keys in a file; makes the file with one new key where there is none. Rejects with an Error that says in
 * words what is wrong with the file: that others may read it, or the line that can't be understood.
 */
export async function loadOrCreateKeyFile(file: string): Promise<readonly MasterKey[]> {
  return (await loadKeyFile(file)) ?? (await createKeyFile(file));
}

/** Undefined where there is no such file. */
export async function loadKeyFile(file: string): Promise<readonly MasterKey[] | undefined> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new Error(`the key file ${file} can't be read: ${error.message}`, { cause: error });
  });
  if (handle === undefined) return undefined;
  try {
    const { mode } = await handle.stat();
    // Windows has no such bits.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new Error(
        `the key file ${file} may be read by others (mode ${(mode & 0o777).toString(8)}): chmod 600 it`,
      );
    return parseMasterKeys(await handle.readFile('utf8'), file);
  } finally {
    await handle.close();
  }
}

/** Reads `<id> <64 hex digits>` lines; empty lines and lines that begin with # don't count. `source` names them in errors. */
export function parseMasterKeys(text: string, source: string): readonly MasterKey[] {
  const keys: MasterKey[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const match = /^([1-9]\d{0,8})\s+([0-9a-fA-F]{64})$/.exec(trimmed);
    // The line itself stays out of the message: it may hold a key.
    if (match === null)
      throw new Error(`${source} line ${at + 1}: expected a number from 1 to 999999999 and 64 hex digits`);
    const id = Number(match[1]);
    if (keys.some((key) => key.id === id))
      throw new Error(`${source} line ${at + 1}: key ${id} is there twice`);
    keys.push({ id, key: Buffer.from(match[2] as string, 'hex') });
  }
  if (keys.length === 0) throw new Error(`${source} holds no key`);
  return keys;
}

async function createKeyFile(file: string): Promise<readonly MasterKey[]> {
  const directory = path.dirname(file);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const text = `${preface}1 ${randomBytes(32).toString('hex')}\n`;
  // Of two that start at once one makes it, and both read it.
  await createOnce(file, text);
  // A key that a power cut takes away takes everything with it that was sealed meanwhile.
  await syncDirectory(directory);
  return parseMasterKeys(await readFile(file, 'utf8'), file);
}
