import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Service } from '../core/service.ts';
import type { Backup, BackupSource } from '../ports/store-backup.ts';
import { BackupEvents } from './backup-events.ts';
import { refusalFrame } from './backup-frames.ts';
import { BackupMeters } from './backup-meters.ts';
import { sendBackup } from './send-backup.ts';

export interface BackupDoorOptions {
  readonly source: BackupSource;
  /** Where the socket is made; whoever may open it may read all that is stored, sealed as it is. */
  readonly path: string;
  readonly bytesPerSecond: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a visitor says first, and last. */
export const askWord = 'backup 1\n';
export const keptWord = 'kept\n';

/** What a path of a socket can have on every system. */
const pathBytesAtMost = 103;
const visitorsAtMost = 4;
/** A visitor who neither takes nor says anything for so long is gone: a snapshot keeps what is deleted on the disk. */
const silenceAtMostMs = 60_000;
/** Disks may be slow to have a large file. */
const keptWithinMs = 600_000;

/**
 * Where a running server hands out backups of its store: a socket in the store's directory, for its owner alone. One backup
 * at a time; the next visitor is told so.
 */
export class BackupDoor implements Service {
  readonly name = 'backup';
  readonly meters = new BackupMeters();
  readonly #options: BackupDoorOptions;
  readonly #events: BackupEvents;
  readonly #server: Server;
  readonly #visits = new Map<Socket, Promise<void>>();

  constructor(options: BackupDoorOptions) {
    const { clock, log } = options;
    this.#options = options;
    this.#events = new BackupEvents({ log, meters: this.meters, nowMs: () => clock.wallMs() });
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#welcome(socket));
    this.#server.maxConnections = visitorsAtMost;
  }

  async start(): Promise<void> {
    const { path } = this.#options;
    if (Buffer.byteLength(path) > pathBytesAtMost || process.platform === 'win32')
      return this.#events.unreachable(path);
    // What a killed server left; its store's lock is ours.
    await rm(path, { force: true });
    this.#server.listen(path);
    await once(this.#server, 'listening');
    await chmod(path, 0o600);
  }

  async stop(): Promise<void> {
    if (this.#server.listening) {
      const closed = once(this.#server, 'close');
      this.#server.close();
      for (const socket of this.#visits.keys()) socket.destroy();
      await closed;
    }
    await Promise.all(this.#visits.values());
  }

  #welcome(socket: Socket): void {
    const visit = this.#serve(socket).finally(() => {
      this.#visits.delete(socket);
      socket.destroy();
    });
    this.#visits.set(socket, visit);
  }

  async #serve(socket: Socket): Promise<void> {
    const gone = new AbortController();
    socket.on('error', () => {});
    socket.on('close', () => gone.abort(new Error('the one who took it is gone')));
    socket.setTimeout(silenceAtMostMs, () => socket.destroy());
    const words = heard(socket);
    if ((await words.next()).value !== askWord) return;
    let backup: Backup;
    try {
      backup = await this.#options.source.backup();
    } catch (error) {
      this.#events.refused(error);
      return refuse(socket, error, gone.signal);
    }
    try {
      this.#events.begun(backup.head.bytes);
      const bytes = await this.#send(socket, backup, gone.signal);
      socket.end();
      socket.setTimeout(keptWithinMs);
      if ((await words.next()).value !== keptWord) throw new Error('it was not kept');
      this.#events.kept(bytes);
    } catch (error) {
      this.#events.failed(gone.signal.aborted ? gone.signal.reason : error);
      await refuse(socket, error, gone.signal);
    } finally {
      await backup[Symbol.asyncDispose]();
    }
  }

  async #send(socket: Socket, backup: Backup, gone: AbortSignal): Promise<number> {
    const { clock, bytesPerSecond } = this.#options;
    let sent = 0;
    const pause = (ms: number) => sleep(ms, undefined, { signal: gone });
    for await (const bytes of sendBackup({ backup, clock, bytesPerSecond, sleep: pause })) {
      gone.throwIfAborted();
      sent += bytes.byteLength;
      this.meters.bytes += bytes.byteLength;
      if (!socket.write(bytes)) await once(socket, 'drain', { signal: gone });
    }
    return sent;
  }
}

/**
 * Says why; a reader in the middle of a backup meets it where it expects a frame. Resolves when the visitor is gone,
 * whether they have heard it or not.
 */
async function refuse(socket: Socket, error: unknown, gone: AbortSignal): Promise<void> {
  if (gone.aborted) return;
  // Not by `once` of node:events, which rejects where they hung up meanwhile.
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.end(refusalFrame(error instanceof Error ? error.message : String(error)));
  await closed;
}

/** The lines that a visitor says, until they hang up; one that is too long ends it. */
async function* heard(socket: Socket): AsyncGenerator<string> {
  let text = '';
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\n') + 1; end > 0; end = text.indexOf('\n') + 1) {
        yield text.slice(0, end);
        text = text.slice(end);
      }
      if (text.length > askWord.length) return;
    }
  } catch {
    // Hung up in the middle of it.
  }
}
