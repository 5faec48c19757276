import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../../core/sync-files.ts';
import type { DeadLetter, DeadLetters } from '../../ports/dead-letters.ts';

export interface LetterFilesInit {
  /** Of the letters alone; made when there is none. */
  readonly directory: string;
  /** Letters kept, at most. */
  readonly limit: number;
}

/**
 * Dead letters of a single process: a file each, named by when it happened and its id, written beside its place and
 * moved there, so that the command line may list and remove letters while the server adds some.
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
    return new LetterFiles(init);
  }

  add(letter: DeadLetter): Promise<void> {
    // One at a time, so that the count of what is there is right.
    const added = this.#adding.then(() => this.#add(letter));
    this.#adding = added.catch(() => {});
    return added;
  }

  async list(limit: number): Promise<readonly DeadLetter[]> {
    return this.#read((await this.#names()).slice(0, limit));
  }

  async find(ids: readonly string[]): Promise<readonly DeadLetter[]> {
    const wanted = new Set(ids);
    return this.#read((await this.#names()).filter((name) => wanted.has(idOf(name))));
  }

  async remove(letter: DeadLetter): Promise<void> {
    await this.#remove(fileName(letter));
    await syncDirectory(this.#init.directory);
  }

  async close(): Promise<void> {
    await this.#adding;
  }

  async #add(letter: DeadLetter): Promise<void> {
    const { directory, limit } = this.#init;
    const names = await this.#names();
    const own = fileName(letter);
    const others = names.filter((name) => name !== own);
    for (const oldest of others.slice(0, Math.max(0, others.length - limit + 1))) {
      await this.#remove(oldest);
      this.dropped += 1;
    }
    const path = join(directory, own);
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(letter));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    await syncDirectory(directory);
  }

  /** Oldest first. */
  async #names(): Promise<string[]> {
    return (await readdir(this.#init.directory)).filter((name) => name.endsWith('.json')).sort();
  }

  async #read(names: readonly string[]): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for (const name of names) {
      try {
        letters.push(JSON.parse(await readFile(join(this.#init.directory, name), 'utf8')) as DeadLetter);
      } catch (error) {
        // Removed meanwhile by somebody else.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    return letters;
  }

  async #remove(name: string): Promise<void> {
    await unlink(join(this.#init.directory, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

function idOf(name: string): string {
  return name.slice(name.indexOf('-') + 1, -'.json'.length);
}

function fileName({ occurredAtMs, id }: DeadLetter): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id))
    throw new RangeError('a letter has an id of letters, digits, - and _');
  return `${String(occurredAtMs).padStart(14, '0')}-${id}.json`;
}
