import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore } from '../../services/adapters/embedded/embedded-store.ts';
import { openMySqlStore } from '../../services/adapters/mysql/mysql-store.ts';
import { mySqlOptions } from '../../services/adapters/mysql/options.ts';
import { loadConfig } from '../../services/core/config.ts';
import { Failpoints } from '../../services/core/failpoint.ts';
import { silentLogger } from '../../services/core/log.ts';
import type { MessageStore } from '../../services/ports/message-store.ts';
import { mariaDb } from '../engines/shared.ts';

const masterKeys = [{ id: 1, key: Buffer.alloc(32, 'a key of tests') }];
/** Tests don't fill the disk. */
const reserveBytes = 4_096;

/** `mysql`: tests of nodes run on MariaDB; see test/long/nodes-mysql.long.ts. Not a PARLEY_ variable, since those are the server's. */
export const storeVariable = 'TEST_STORE';

type Open = (failpoints: string) => Promise<MessageStore>;

/** A store of a test's own, which goes with it: an embedded one, or one on MariaDB where the environment says so. */
export class TempStore implements AsyncDisposable {
  store: MessageStore;
  readonly #open: Open;
  readonly #stack: AsyncDisposableStack;

  private constructor(store: MessageStore, open: Open, stack: AsyncDisposableStack) {
    this.store = store;
    this.#open = open;
    this.#stack = stack;
  }

  /** `failpoints` as in Failpoints.parse; they are gone when it is opened again. */
  static async open(failpoints = ''): Promise<TempStore> {
    await using stack = new AsyncDisposableStack();
    const open = process.env[storeVariable] === 'mysql' ? await onMariaDb(stack) : await inDirectory(stack);
    return new TempStore(await open(failpoints), open, stack.move());
  }

  /** Closes the store and opens it again, as a restart does. */
  async reopen(): Promise<MessageStore> {
    await this.store.close();
    this.store = await this.#open('');
    return this.store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await this.#stack.disposeAsync();
  }
}

async function inDirectory(stack: AsyncDisposableStack): Promise<Open> {
  const directory = await mkdtemp(join(tmpdir(), 'parley-store-'));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  return (failpoints) => openEmbeddedStore({ directory, masterKeys, reserveBytes, failpoints });
}

async function onMariaDb(stack: AsyncDisposableStack): Promise<Open> {
  const { url } = stack.use(await mariaDb());
  const { mysql } = loadConfig({ mysql: mySqlOptions }, { PARLEY_MYSQL_URL: url });
  return (failpoints) =>
    openMySqlStore({
      config: mysql,
      masterKeys,
      incarnation: () => 'test',
      outbox: false,
      requireDurable: true,
      log: silentLogger,
      random: Math.random,
      failpoints: Failpoints.parse(failpoints),
    });
}
