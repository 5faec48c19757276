import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOf } from '../../test/engines/process-table.ts';

/** Who runs what is in a directory. A process id alone may be somebody else's by now. */
interface Owner {
  readonly pid: number;
  readonly started: string | undefined;
}

/**
 * Has a directory to this process alone, until it is given back. Throws an Error with the id of the process that has it
 * already; one that was killed has it no more.
 */
export async function claim(directory: string): Promise<AsyncDisposable> {
  const file = join(directory, 'running.json');
  const own: Owner = { pid: process.pid, started: startOf(process.pid) };
  for (;;) {
    try {
      await writeFile(file, `${JSON.stringify(own)}\n`, { flag: 'wx' });
      return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = await ownerIn(file);
    if (owner !== undefined && startOf(owner.pid) === owner.started)
      throw new Error(`it runs already in ${directory} (process ${owner.pid})`);
    await rm(file, { force: true });
  }
}

/** Undefined where the file is gone, or was cut off in the middle. */
async function ownerIn(file: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}
