import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Child } from '../../../../test/engines/child.ts';
import { freePort } from '../../../../test/engines/free-port.ts';
import { loadConfig } from '../../../core/config.ts';
import { silentLogger } from '../../../core/log.ts';
import { firstKey, type SampleKey } from '../../../ports/message-store-conformance/fixture.ts';
import { type MySqlStore, type MySqlStoreOptions, openMySqlStore } from '../mysql-store.ts';
import { mySqlOptions } from '../options.ts';
import { type MySqlConfig, serverOf } from '../server.ts';
import { type Row, Session } from '../session.ts';

const run = promisify(execFile);

/** Servers are in a directory that not everybody has on the path. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
const asUser = process.getuid?.() === 0 ? ['--user=root'] : [];

/** A private MariaDB for the tests of one file: small, durable at every commit, with a directory and a port of its own. */
export class TestDatabase implements AsyncDisposable {
  readonly port: number;
  readonly directory: string;
  readonly #flags: readonly string[];
  #child: Child | undefined;
  #schemas = 0;

  private constructor(directory: string, port: number, flags: readonly string[]) {
    this.directory = directory;
    this.port = port;
    this.#flags = flags;
  }

  static async start(...flags: readonly string[]): Promise<TestDatabase> {
    const directory = await mkdtemp(path.join(tmpdir(), 'parley-mariadb-'));
    const install = [
      '--no-defaults',
      `--datadir=${path.join(directory, 'data')}`,
      `--tmpdir=${directory}`,
      ...asUser,
    ];
    await run(
      'mariadb-install-db',
      [...install, '--auth-root-authentication-method=normal', '--skip-test-db'],
      {
        env,
      },
    );
    const database = new TestDatabase(directory, await freePort(), flags);
    await database.up();
    return database;
  }

  get data(): string {
    return path.join(this.directory, 'data');
  }

  /** Starts the server, again on the same directory and port where it was stopped or killed. */
  async up(...flags: readonly string[]): Promise<void> {
    this.#child = await Child.start({
      command: 'mariadbd',
      args: [
        '--no-defaults',
        ...asUser,
        `--datadir=${this.data}`,
        // A server that starts removes the temporary tables of all others that share its directory for them.
        `--tmpdir=${this.directory}`,
        `--socket=${path.join(this.directory, 'socket')}`,
        `--port=${this.port}`,
        '--bind-address=127.0.0.1',
        '--innodb-flush-log-at-trx-commit=1',
        '--innodb-buffer-pool-size=64M',
        '--innodb-log-file-size=32M',
        ...this.#flags,
        ...flags,
      ],
      env: { PATH: env.PATH },
      readyWhen: /ready for connections/,
    });
  }

  async down(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#child?.stop(signal);
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
    await this.down('SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
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
