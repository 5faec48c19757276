import { open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the groups of a log stand: a small file each, `GROUP.position`, replaced as a whole. */

const suffix = '.position';

/** The positions of all groups in a directory. */
export async function readPositions(directory: string): Promise<Map<string, number>> {
  const positions = new Map<string, number>();
  for (const name of await readdir(directory)) {
    if (!name.endsWith(suffix)) continue;
    const position = Number(await readFile(join(directory, name), 'utf8'));
    // One that can't be read counts as none: the group begins anew, and hears again what it has heard.
    if (Number.isSafeInteger(position) && position >= 0)
      positions.set(name.slice(0, -suffix.length), position);
  }
  return positions;
}

export async function writePosition(directory: string, group: string, position: number): Promise<void> {
  const path = join(directory, `${group}${suffix}`);
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(`${position}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

export async function removePosition(directory: string, group: string): Promise<void> {
  await unlink(join(directory, `${group}${suffix}`));
}
