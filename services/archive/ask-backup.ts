import { once } from 'node:events';
import { connect } from 'node:net';
import { askWord, keptWord } from './backup-door.ts';

/** A backup that a running server hands out. */
export interface AskedBackup extends AsyncDisposable {
  readonly chunks: AsyncIterable<Buffer>;
  /** Tells the server that it is on the disk. */
  kept(): Promise<void>;
}

/** Asks the server whose socket this is; undefined where none listens there. */
export async function askBackup(path: string): Promise<AskedBackup | undefined> {
  const socket = connect({ path, allowHalfOpen: true });
  try {
    await once(socket, 'connect');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  // Whoever reads hears of it, or of an end that comes too early.
  socket.on('error', () => {});
  socket.write(askWord);
  return {
    // Its own end is told last.
    chunks: socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>,
    async kept() {
      socket.end(keptWord);
      await once(socket, 'close').catch(() => undefined);
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}
