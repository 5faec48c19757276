import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEmbeddedStore } from '../../../services/adapters/embedded/embedded-store.ts';
import { openMySqlStore } from '../../../services/adapters/mysql/mysql-store.ts';
import { mySqlOptions } from '../../../services/adapters/mysql/options.ts';
import { exportCommand, importCommand } from '../../../services/cli/archive-command.ts';
import { backupCommand, restoreCommand } from '../../../services/cli/backup-command.ts';
import { checkCommand } from '../../../services/cli/check-command.ts';
import { runCli } from '../../../services/cli/run-cli.ts';
import { loadConfig } from '../../../services/core/config.ts';
import { silentLogger } from '../../../services/core/log.ts';
import type { Devices } from '../../../services/ports/devices.ts';
import type { MessageStore } from '../../../services/ports/message-store.ts';
import { firstKey } from '../../../services/ports/message-store-conformance/fixture.ts';
import { mariaDb } from '../../engines/shared.ts';

export const masterKeys = `1:${Buffer.from(firstKey.key).toString('hex')}`;

export type DeviceStore = MessageStore & { readonly devices: Devices };

/** A store that commands are pointed to. */
export interface Place extends AsyncDisposable {
  /** For the commands of `parley`. */
  readonly env: Readonly<Record<string, string>>;
  open(): Promise<DeviceStore>;
}

export class Directory implements AsyncDisposable {
  readonly path: string;

  private constructor(at: string) {
    this.path = at;
  }

  static async make(): Promise<Directory> {
    return new Directory(await mkdtemp(path.join(tmpdir(), 'parley-archive-')));
  }

  in(name: string): string {
    return path.join(this.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

export async function embeddedPlace(): Promise<Place> {
  const directory = await Directory.make();
  return {
    env: { PARLEY_DATA_DIR: directory.path, PARLEY_MASTER_KEYS: masterKeys },
    open: () =>
      openEmbeddedStore({ directory: directory.in('store'), masterKeys: [firstKey], reserveBytes: 4_096 }),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

export async function mySqlPlace(): Promise<Place> {
  const schema = await mariaDb();
  const directory = await Directory.make();
  const env = {
    PARLEY_MYSQL_URL: schema.url,
    PARLEY_DATA_DIR: directory.path,
    PARLEY_MASTER_KEYS: masterKeys,
  };
  return {
    env,
    open: () =>
      openMySqlStore({
        config: loadConfig({ mysql: mySqlOptions }, env).mysql,
        masterKeys: [firstKey],
        incarnation: () => 'test',
        outbox: true,
        requireDurable: false,
        log: silentLogger,
        random: Math.random,
      }),
    [Symbol.asyncDispose]: async () => {
      await schema[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

export const places = { embedded: embeddedPlace, MySQL: mySqlPlace } as const;

/** Runs `parley export`, `import`, `backup`, `restore` or `check` in this process. */
export async function command(
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly note: string }> {
  let out = '';
  let note = '';
  const io = { out: (text: string) => void (out += text), note: (text: string) => void (note += text) };
  const commands = [exportCommand, importCommand, backupCommand, restoreCommand, checkCommand];
  const code = await runCli(
    args,
    commands.map((of) => of(env)),
    io,
  );
  return { code, out, note };
}
