import { ArchiveError } from '../archive/archive-error.ts';
import { StoreError } from '../ports/message-store.ts';
import type { CommandIo } from './command.ts';

/** 0 when it is done, 1 for what is wrong with a store, a backup or an export, said in words. */
export async function told(io: CommandIo, act: () => Promise<void>): Promise<number> {
  try {
    await act();
    return 0;
  } catch (error) {
    if (!isExpected(error)) throw error;
    io.note(`parley: ${error.message}\n`);
    return 1;
  }
}

/** Whether it is said in words, rather than as a fault of the program. */
export function isExpected(error: unknown): error is Error {
  return error instanceof StoreError || error instanceof ArchiveError || isSystem(error) || isLevel(error);
}

/** What LevelDB says of its files: damaged, or no room for them. */
function isLevel(error: unknown): error is Error {
  return error instanceof Error && /^LEVEL_/.test(String((error as NodeJS.ErrnoException).code));
}

/** A directory that can't be written, a disk that is full. */
function isSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}
