import { randomFillSync } from 'node:crypto';
import { open, rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';

/**
 * A file that does nothing but occupy space. LevelDB can't be reopened on a disk that is full to the last byte, since
 * recovery writes its log out as tables; giving the reserve up makes room for that, so that after a write failed for
 * want of space the truth about that write can be read, and reads go on. While the reserve can't be filled again the
 * disk counts as full.
 */
export class Reserve {
  readonly #path: string;
  readonly #bytes: number;

  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#bytes = bytes;
  }

  /** Makes sure that the space is set aside. Rejects with the file system's error, ENOSPC most likely. */
  async fill(): Promise<void> {
    if (!(await this.#filled())) await this.refill();
  }

  /**
   * Like `fill`, but only where as much again stays free: a disk that has room for the reserve and nothing else would be
   * full again with the next commit.
   */
  async refill(): Promise<void> {
    const { bavail, bsize } = await statfs(path.dirname(this.#path));
    const isFilled = await this.#filled();
    if (bavail * bsize < (isFilled ? this.#bytes : 2 * this.#bytes))
      throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' });
    if (isFilled) return;
    const draft = `${this.#path}.draft`;
    try {
      await this.#write(draft);
      await rename(draft, this.#path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  async release(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  async #filled(): Promise<boolean> {
    try {
      return (await stat(this.#path)).size === this.#bytes;
    } catch {
      return false;
    }
  }

  async #write(path: string): Promise<void> {
    const file = await open(path, 'w', 0o600);
    try {
      // Random, for file systems that compress: zeros would set nothing aside.
      const block = randomFillSync(Buffer.allocUnsafe(Math.min(this.#bytes, 1024 * 1024)));
      for (let written = 0; written < this.#bytes; ) {
        const part = block.subarray(0, this.#bytes - written);
        written += (await file.write(part)).bytesWritten;
      }
      await file.sync();
    } finally {
      await file.close();
    }
  }
}
