import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import type { UserId } from '../../core/ids.ts';
import { DirectoryError, type Revocation } from '../../ports/directory.ts';

/** Lines beyond those that count, before the file is written anew. */
const wasteAtMost = 1_000;

/**
 * Revocations in a file that is appended to, one JSON array a line: user, device, issued until, ends at. What is written
 * is durable once `append` resolves. One caller at a time.
 */
export class RevocationFile {
  readonly #file: string;
  #lines = 0;
  /** A write failed half-way: the next one writes everything anew. */
  #torn = false;

  private constructor(file: string) {
    this.#file = file;
  }

  /**
   * Opens the file, or begins one at the first append. A last line that was cut off by a crash is left out. Rejects with
   * a DirectoryError that says what is wrong with the file.
   */
  static async open(
    file: string,
  ): Promise<{ readonly file: RevocationFile; readonly held: readonly Revocation[] }> {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw new DirectoryError(
        'unavailable',
        `the revocations in ${file} can't be read: ${error.message}`,
        error,
      );
    });
    const opened = new RevocationFile(file);
    const lines = text.split('\n').filter((line) => line !== '');
    opened.#lines = lines.length;
    opened.#torn = text !== '' && !text.endsWith('\n');
    const held = lines.flatMap((line, at) => {
      const revocation = parse(line);
      if (revocation !== undefined) return [revocation];
      if (opened.#torn && at === lines.length - 1) return [];
      throw new DirectoryError(
        'unavailable',
        `line ${at + 1} of ${file} can't be understood as a revocation`,
      );
    });
    return { file: opened, held };
  }

  /** `all` is what stands with the one to add: what the file holds once it has to be written anew. */
  async append(revocation: Revocation, all: () => readonly Revocation[]): Promise<void> {
    if (this.#torn || this.#lines > 2 * all().length + wasteAtMost) await this.#rewrite(all());
    else {
      this.#torn = true;
      await mkdir(path.dirname(this.#file), { recursive: true });
      await write(this.#file, 'a', `${print(revocation)}\n`);
      if (this.#lines === 0) await syncDirectory(this.#file);
      this.#lines += 1;
      this.#torn = false;
    }
  }

  async #rewrite(all: readonly Revocation[]): Promise<void> {
    const fresh = `${this.#file}.new`;
    await write(fresh, 'w', all.map((each) => `${print(each)}\n`).join(''));
    await rename(fresh, this.#file);
    await syncDirectory(this.#file);
    this.#lines = all.length;
    this.#torn = false;
  }
}

async function write(file: string, flags: 'a' | 'w', text: string): Promise<void> {
  const handle = await open(file, flags, 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** So that a power cut does not take the file's name away. */
async function syncDirectory(file: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path.dirname(file), 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function print({ userId, deviceId, issuedUntilMs, endsAtMs }: Revocation): string {
  return JSON.stringify([userId, deviceId, issuedUntilMs, endsAtMs]);
}

function parse(line: string): Revocation | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields)) return undefined;
  const [userId, deviceId, issuedUntilMs, endsAtMs] = fields as unknown[];
  if (typeof userId !== 'string' || typeof deviceId !== 'string') return undefined;
  if (typeof issuedUntilMs !== 'number' || typeof endsAtMs !== 'number') return undefined;
  return { userId: userId as UserId, deviceId, issuedUntilMs, endsAtMs };
}
