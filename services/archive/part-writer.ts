import { type FileHandle, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { ByteWriter } from '../core/bytes.ts';
import { syncDirectory } from '../core/sync-files.ts';
import { framed, magic } from './frame.ts';

export const draftName = 'part.draft';

/** The name of part number `no`, counted from 1. */
export function partName(no: number): string {
  return `part-${String(no).padStart(8, '0')}.parley`;
}

export interface PartWriterOptions {
  readonly directory: string;
  /** The number of the first part to be written. */
  readonly first: number;
  /** The epoch of the store. */
  readonly epoch: string;
  /** A part is closed with the frame that brings it to this size. */
  readonly partBytes: number;
}

/**
 * Writes frames into parts. A part gets its name when it is whole and on the disk, so that whatever has such a name can
 * be relied on after a crash; what has none is written again.
 */
export class PartWriter {
  readonly #options: PartWriterOptions;
  #no: number;
  #file: FileHandle | undefined;
  #bytes = 0;

  constructor(options: PartWriterOptions) {
    this.#options = options;
    this.#no = options.first;
  }

  async write(frame: Buffer): Promise<void> {
    this.#file ??= await this.#open();
    await this.#append(this.#file, frame);
    if (this.#bytes >= this.#options.partBytes) await this.flush();
  }

  /** Closes the part that is being written; nothing where there is none. */
  async flush(): Promise<void> {
    if (this.#file === undefined) return;
    const { directory } = this.#options;
    await this.#file.sync();
    await this.#file.close();
    this.#file = undefined;
    await rename(path.join(directory, draftName), path.join(directory, partName(this.#no)));
    await syncDirectory(directory);
    this.#no += 1;
  }

  /** Lets go of a part that is not whole. */
  async abandon(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #open(): Promise<FileHandle> {
    const { directory, epoch } = this.#options;
    const file = await open(path.join(directory, draftName), 'w', 0o600);
    this.#bytes = 0;
    const head = ByteWriter.row();
    head.u32(this.#no);
    head.text(epoch);
    await this.#append(file, Buffer.concat([magic, framed(head.view())]));
    return file;
  }

  async #append(file: FileHandle, bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) at += (await file.write(bytes, at)).bytesWritten;
    this.#bytes += bytes.byteLength;
  }
}
