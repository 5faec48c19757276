import path from 'node:path';
import { MariaDb } from '../../../../test/engines/mariadb.ts';
import { loadConfig } from '../../../core/config.ts';
import { silentLogger } from '../../../core/log.ts';
import { firstKey, type SampleKey } from '../../../ports/message-store-conformance/fixture.ts';
import { type MySqlStore, type MySqlStoreOptions, openMySqlStore } from '../mysql-store.ts';
import { mySqlOptions } from '../options.ts';
import { type MySqlConfig, serverOf } from '../server.ts';
import { type Row, Session } from '../session.ts';

/** A private MariaDB for the tests of one file. */
export class TestDatabase implements AsyncDisposable {
  readonly #engine: MariaDb;
  #schemas = 0;

  private constructor(engine: MariaDb) {
    this.#engine = engine;
  }

  /** `flags`: more of the server's options, `--name=value`. */
  static async start(...flags: readonly string[]): Promise<TestDatabase> {
    return new TestDatabase(await MariaDb.start({ settings: flags }));
  }

  get port(): number {
    return this.#engine.port;
  }

  get directory(): string {
    return this.#engine.directory;
  }

  get data(): string {
    return path.join(this.directory, 'data');
  }

  /** Starts the server again on the same directory and port, with these options besides. */
  up(...flags: readonly string[]): Promise<void> {
    return this.#engine.restart(flags);
  }

  down(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    return signal === 'SIGKILL' ? this.#engine.kill() : this.#engine.stop();
  }

  /** An empty database of its own, and what opens a store in it. */
  async schema(): Promise<string> {
    this.#schemas += 1;
    const name = `parley_${this.#schemas}`;
    await using admin = await this.admin('mysql');
    await admin.ask(`CREATE DATABASE ${name}`);
    return name;
  }

  config(schema: string, fields: Partial<MySqlConfig> = {}): MySqlConfig {
    const PARLEY_MYSQL_URL = `mysql://root@127.0.0.1:${this.port}/${schema}`;
    return { ...loadConfig({ mysql: mySqlOptions }, { PARLEY_MYSQL_URL }).mysql, ...fields };
  }

  /** A session of the test's own, behind the store's back. */
  async admin(schema: string): Promise<Admin> {
    return this.adminOf(this.config(schema));
  }

  async adminOf(config: MySqlConfig): Promise<Admin> {
    return new Admin(await Session.open(serverOf(config), 10_000));
  }

  open(
    schema: string,
    fields: Partial<MySqlStoreOptions> & { readonly masterKeys?: readonly SampleKey[] } = {},
  ): Promise<MySqlStore> {
    return openMySqlStore({
      config: this.config(schema),
      masterKeys: [firstKey],
      incarnation: () => 'test',
      outbox: true,
      requireDurable: true,
      log: silentLogger,
      random: Math.random,
      ...fields,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine[Symbol.asyncDispose]();
  }
}

export class Admin implements AsyncDisposable {
  readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  /** The rows of the last statement. */
  async ask(sql: string): Promise<readonly Row[]> {
    const results = await this.session.query(sql, 60_000);
    return results.at(-1)?.rows ?? [];
  }

  /** Resolves when another session waits for a lock, with the number of its connection. */
  async lockWait(): Promise<number> {
    for (;;) {
      const [waits] = await this.ask("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'");
      const [busy] = await this.ask(
        "SELECT id FROM information_schema.processlist WHERE command = 'Query' AND id <> CONNECTION_ID()",
      );
      if (Number(waits?.[1]) > 0 && busy !== undefined) return Number(busy[0]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.end();
  }
}
