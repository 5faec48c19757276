import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { syncDirectory } from '../../core/sync-files.ts';
import type { DeadLetter, DeadLetters } from '../../ports/dead-letters.ts';

export interface LetterFilesInit {
  /** Of the letters alone; made when there is none. */
  readonly directory: string;
  /** Letters kept of each endpoint, at most. */
  readonly limit: number;
}

/**
 * Dead letters of a single process: a directory for each endpoint, and in it a file for each letter, named by when it
 * happened and its id, written beside its place and moved there, so that the command line may list and remove letters
 * while the server adds some.
 */
export class LetterFiles implements DeadLetters {
  readonly #init: LetterFilesInit;
  dropped = 0;
  #adding: Promise<unknown> = Promise.resolve();

  private constructor(init: LetterFilesInit) {
    this.#init = init;
  }

  static async open(init: LetterFilesInit): Promise<LetterFiles> {
    await mkdir(init.directory, { recursive: true, mode: 0o700 });
    await sortIn(init.directory);
    return new LetterFiles(init);
  }

  add(letter: DeadLetter): Promise<void> {
    // One at a time, so that the count of what is there is right.
    const added = this.#adding.then(() => this.#add(letter));
    this.#adding = added.catch(() => {});
    return added;
  }

  async list(limit: number, endpoint?: string): Promise<readonly DeadLetter[]> {
    return readLetters((await this.#paths(endpoint)).slice(0, limit));
  }

  async find(ids: readonly string[]): Promise<readonly DeadLetter[]> {
    const wanted = new Set(ids);
    return readLetters((await this.#paths()).filter((path) => wanted.has(idOf(basename(path)))));
  }

  async remove(letter: DeadLetter): Promise<void> {
    const shelf = shelfOf(this.#init.directory, letter);
    await remove(join(shelf, fileName(letter)));
    await syncDirectory(shelf).catch(unlessMissing);
  }

  async close(): Promise<void> {
    await this.#adding;
  }

  async #add(letter: DeadLetter): Promise<void> {
    const { directory, limit } = this.#init;
    const [shelf, own] = [shelfOf(directory, letter), fileName(letter)];
    await makeShelf(directory, shelf);
    const others = (await namesIn(shelf)).filter((name) => name !== own);
    for (const oldest of others.slice(0, Math.max(0, others.length - limit + 1))) {
      await remove(join(shelf, oldest));
      this.dropped += 1;
    }
    const path = join(shelf, own);
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(letter));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    await syncDirectory(shelf);
  }

  /** Of one endpoint's letters or of all, oldest first. */
  async #paths(endpoint?: string): Promise<string[]> {
    const { directory } = this.#init;
    const entries = await readdir(directory, { withFileTypes: true });
    const shelves = entries.filter((entry) => entry.isDirectory() && (endpoint ?? entry.name) === entry.name);
    const paths: string[] = [];
    for (const { name } of shelves) {
      const shelf = join(directory, name);
      for (const each of await namesIn(shelf)) paths.push(join(shelf, each));
    }
    return paths.sort((a, b) => (basename(a) < basename(b) ? -1 : 1));
  }
}

/** Letters that were kept before each endpoint had a directory are put into those. */
async function sortIn(directory: string): Promise<void> {
  const names = await namesIn(directory);
  for (const name of names) {
    const path = join(directory, name);
    const [letter] = await readLetters([path]);
    if (letter === undefined) continue;
    const shelf = shelfOf(directory, letter);
    await makeShelf(directory, shelf);
    await rename(path, join(shelf, name)).catch(unlessMissing);
    await syncDirectory(shelf);
  }
  if (names.length > 0) await syncDirectory(directory);
}

async function makeShelf(directory: string, shelf: string): Promise<void> {
  if ((await mkdir(shelf, { recursive: true, mode: 0o700 })) !== undefined) await syncDirectory(directory);
}

/** Oldest first. */
async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith('.json')).sort();
}

async function readLetters(paths: readonly string[]): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (const path of paths) {
    const read = await readFile(path, 'utf8').catch(unlessMissing);
    if (read !== undefined) letters.push(JSON.parse(read) as DeadLetter);
  }
  return letters;
}

async function remove(path: string): Promise<void> {
  await unlink(path).catch(unlessMissing);
}

/** What is not there was removed meanwhile by somebody else. */
function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function idOf(name: string): string {
  return name.slice(name.indexOf('-') + 1, -'.json'.length);
}

function shelfOf(directory: string, { endpoint }: DeadLetter): string {
  if (!/^[a-z0-9-][a-z0-9.-]{0,63}$/.test(endpoint))
    throw new RangeError('an endpoint has a name of small letters, digits, - and dots');
  return join(directory, endpoint);
}

function fileName({ occurredAtMs, id }: DeadLetter): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id))
    throw new RangeError('a letter has an id of letters, digits, - and _');
  return `${String(occurredAtMs).padStart(14, '0')}-${id}.json`;
}
