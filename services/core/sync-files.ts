import { open, readdir } from 'node:fs/promises';
import path from 'node:path';

/**
 * What is in the files of a directory survives a power cut from here on; subdirectories are left alone, and so is `LOCK`:
 * a process that closes a file, however it has opened it, lets go of its POSIX lock.
 */
export async function syncFiles(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!entry.isFile() || entry.name === 'LOCK') continue;
    const handle = await open(path.join(directory, entry.name), 'r+').catch(gone);
    try {
      await handle?.sync();
    } finally {
      await handle?.close();
    }
  }
  await syncDirectory(directory);
}

/** What was made, renamed or removed in a directory survives a power cut from here on. */
export async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A file that was removed meanwhile has nothing to lose. */
function gone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
