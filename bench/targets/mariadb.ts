import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { Child, freePort } from './child.ts';

const run = promisify(execFile);

/** Servers are in a directory that not everybody has on the path. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
/** MariaDB runs as root only when it is told to. */
const asUser = process.getuid?.() === 0 ? ['--user=root'] : [];

/** A private MariaDB on a directory of its own, durable at every commit. From Debian's package mariadb-server. */
export class MariaDb implements AsyncDisposable {
  readonly port: number;
  readonly #child: Child;
  readonly #directory: string;

  private constructor(child: Child, port: number, directory: string) {
    this.#child = child;
    this.port = port;
    this.#directory = directory;
  }

  static async start(): Promise<MariaDb> {
    const directory = await mkdtemp(path.join(tmpdir(), 'parley-bench-mariadb-'));
    const data = path.join(directory, 'data');
    const install = [
      '--no-defaults',
      `--datadir=${data}`,
      ...asUser,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
    ];
    await run('mariadb-install-db', install, { env });
    const port = await freePort();
    const child = await Child.start({
      command: 'mariadbd',
      args: [
        '--no-defaults',
        ...asUser,
        `--datadir=${data}`,
        `--socket=${path.join(directory, 'socket')}`,
        `--port=${port}`,
        '--bind-address=127.0.0.1',
        '--innodb-flush-log-at-trx-commit=1',
        '--innodb-buffer-pool-size=1G',
        '--innodb-log-file-size=512M',
        '--max-connections=200',
      ],
      env: { PATH: env.PATH },
      readyWhen: /ready for connections/,
    });
    const database = new MariaDb(child, port, directory);
    await database.#createSchema();
    return database;
  }

  get pid(): number {
    return this.#child.pid;
  }

  async #createSchema(): Promise<void> {
    const connection = await createConnection({ host: '127.0.0.1', port: this.port, user: 'root' });
    try {
      await connection.query('CREATE DATABASE chat');
      await connection.query(
        'CREATE TABLE chat.messages (id BIGINT AUTO_INCREMENT PRIMARY KEY, conv VARCHAR(80) NOT NULL, ' +
          'sender VARCHAR(64) NOT NULL, body TEXT NOT NULL, ts BIGINT NOT NULL, KEY (conv, id)) ENGINE=InnoDB',
      );
    } finally {
      await connection.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop('SIGTERM');
    await rm(this.#directory, { recursive: true, force: true });
  }
}
