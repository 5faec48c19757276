import { execFileSync } from 'node:child_process';
import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { atEnd } from './at-end.ts';
import { engineDirectory } from './engine.ts';

const pieceBytes = 1024 * 1024;
const filler = 'filler';

/** A disk of its own for one engine, in memory, that can be filled up. Needs root. */
export class SmallDisk implements AsyncDisposable {
  readonly directory: string;
  readonly #filler: string;

  private constructor(directory: string) {
    this.directory = directory;
    this.#filler = join(directory, filler);
  }

  static get possible(): boolean {
    return process.platform === 'linux' && process.getuid?.() === 0;
  }

  static async mount(megabytes: number): Promise<SmallDisk> {
    const directory = await engineDirectory('disk');
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`, 'tmpfs', directory]);
    atEnd(() => unmount(directory));
    return new SmallDisk(directory);
  }

  /** Takes what is left, to the last byte. */
  async fill(): Promise<void> {
    const piece = Buffer.alloc(pieceBytes, 1);
    await using file = await open(this.#filler, 'a');
    for (let size = pieceBytes; size >= 4_096; ) {
      try {
        await file.write(piece.subarray(0, size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        size /= 2;
      }
    }
  }

  /** Gives back what `fill` took. */
  free(): Promise<void> {
    return rm(this.#filler, { force: true });
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.directory);
    return bavail * bsize;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    unmount(this.directory);
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Whoever still has a file open there keeps the memory for as long; the name is free at once. */
function unmount(directory: string): void {
  try {
    execFileSync('umount', ['--lazy', directory], { stdio: 'ignore' });
  } catch {
    // It is unmounted already.
  }
}
