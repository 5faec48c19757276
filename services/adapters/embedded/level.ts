import { ClassicLevel } from 'classic-level';
import { StoreError } from '../../ports/message-store.ts';

export type Level = ClassicLevel<Buffer, Buffer>;
export type LevelSnapshot = ReturnType<Level['snapshot']>;

export interface LevelOptions {
  /** LevelDB's cache of blocks. */
  readonly cacheBytes: number;
  readonly createIfMissing: boolean;
}

/** What may lie in memory before LevelDB writes it out as a table. With 64 MB commits stall for 200 ms meanwhile. */
export const writeBufferBytes = 8 * 1024 * 1024;

/** Opens LevelDB as the store uses it. Rejects with a StoreError that says what is wrong in words. */
export async function openLevel(directory: string, options: LevelOptions): Promise<Level> {
  const level: Level = new ClassicLevel(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    writeBufferSize: writeBufferBytes,
    maxFileSize: 2 * 1024 * 1024,
    cacheSize: options.cacheBytes,
    // Sealed bytes don't compress.
    compression: false,
    createIfMissing: options.createIfMissing,
  });
  try {
    await level.open();
  } catch (error) {
    throw openError(directory, error);
  }
  return level;
}

/** Whether it can't be opened because somebody has it open. */
export function isLocked(error: unknown): boolean {
  return error instanceof StoreError && codeOf(error.cause) === 'LEVEL_LOCKED';
}

function openError(directory: string, error: unknown): StoreError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (codeOf(cause) === 'LEVEL_LOCKED')
    return new StoreError('unavailable', `${directory} is in use by another process`, cause);
  if (isFull(cause)) return new StoreError('full', `no space left to open ${directory}`, cause);
  return new StoreError('unavailable', `${directory} can't be opened: ${messageOf(cause)}`, cause);
}

/** Whether an error of LevelDB or of the file system says that the disk, or a quota, is full. */
export function isFull(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT' || /No space left|quota exceeded/i.test(messageOf(error));
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
