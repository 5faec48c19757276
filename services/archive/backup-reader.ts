import { createHash } from 'node:crypto';
import { getU32 } from '../core/bytes.ts';
import { ArchiveError } from './archive-error.ts';
import { backupMagic, type BackupPayload, decodePayload } from './backup-frames.ts';
import { assertSound, frameBytesAtMost, frameHeadBytes } from './frame.ts';

/** A frame of a backup, and its bytes as they came; those of the first one begin with what all backups begin with. */
export type BackupFrame = Exclude<BackupPayload, { readonly t: 'refusal' }> & { readonly raw: Buffer };

/**
 * Reads a backup from wherever it comes: a head, rows, an end. Throws an ArchiveError for what is damaged, cut off, goes on
 * behind its end, or is no backup; and with the words of a refusal.
 */
export async function* readBackup(chunks: AsyncIterable<Buffer>): AsyncGenerator<BackupFrame> {
  const source = new Source(chunks);
  const hash = createHash('sha256');
  let before = await source.take(backupMagic.byteLength);
  let rows = 0;
  // A refusal comes without a beginning: nothing was begun.
  const begins = before.equals(backupMagic);
  if (!begins) source.giveBack(before);
  for (let first = true; ; first = false) {
    const { payload, raw } = await frameOf(source, begins);
    if (payload.t === 'refusal') throw new ArchiveError(payload.why);
    if (!begins) throw new ArchiveError('this is no backup that this program can read');
    if ((payload.t === 'head') !== first)
      throw new ArchiveError('the backup is damaged: its head is not in its place');
    if (payload.t === 'end') {
      if (payload.rows !== rows || !hash.digest().equals(payload.sha256))
        throw new ArchiveError('the backup is damaged: its checksum is another one');
      if (!(await source.ended())) throw new ArchiveError('the backup is damaged: it goes on behind its end');
      yield { ...payload, raw };
      return;
    }
    if (payload.t === 'rows') rows += payload.page.rows;
    const whole = first ? Buffer.concat([before, raw]) : raw;
    before = Buffer.alloc(0);
    hash.update(whole);
    yield { ...payload, raw: whole };
  }
}

async function frameOf(source: Source, begins: boolean): Promise<{ payload: BackupPayload; raw: Buffer }> {
  const head = await source.take(frameHeadBytes);
  const length = head.byteLength < frameHeadBytes ? 0 : getU32(head, 0);
  if (length === 0 || length > frameBytesAtMost)
    throw new ArchiveError(
      begins ? cutOff(head.byteLength, length) : 'this is no backup that this program can read',
    );
  const payload = await source.take(length);
  if (payload.byteLength < length) throw new ArchiveError('the backup is cut off: it has no end');
  assertSound(head, payload, 'the backup');
  try {
    return { payload: decodePayload(payload), raw: Buffer.concat([head, payload]) };
  } catch (error) {
    throw error instanceof RangeError
      ? new ArchiveError(`the backup is damaged: ${error.message}`, error)
      : error;
  }
}

function cutOff(headBytes: number, length: number): string {
  return headBytes < frameHeadBytes
    ? 'the backup is cut off: it has no end'
    : `the backup is damaged: a frame of ${length} bytes`;
}

/** Bytes in any number, out of chunks as they come. */
class Source {
  readonly #chunks: AsyncIterator<Buffer>;
  #left: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** So many, or those that are left. */
  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = count;
    for (;;) {
      const part = this.#left.subarray(0, missing);
      this.#left = this.#left.subarray(part.byteLength);
      parts.push(part);
      missing -= part.byteLength;
      if (missing === 0) break;
      const { done, value } = await this.#chunks.next();
      if (done === true) break;
      this.#left = value;
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  giveBack(bytes: Buffer): void {
    this.#left = Buffer.concat([bytes, this.#left]);
  }

  async ended(): Promise<boolean> {
    return (await this.take(1)).byteLength === 0;
  }
}
