import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { askSql, type MariaDb } from '../../engines/mariadb.ts';

const run = promisify(execFile);

/** As docs/operations.md has them. */
const dumpHow = ['--single-transaction', '--skip-lock-tables', '--hex-blob', '--master-data=2'];

/** The backups of a database as docs/operations.md does them: a dump, and the binlog since. */
export class DatabaseBackup {
  readonly #database: MariaDb;
  readonly #schema: string;
  readonly #directory: string;

  constructor(o: { readonly database: MariaDb; readonly schema: string; readonly directory: string }) {
    this.#database = o.database;
    this.#schema = o.schema;
    this.#directory = o.directory;
  }

  get #dump(): string {
    return path.join(this.#directory, 'parley.sql');
  }

  async dump(): Promise<void> {
    const child = spawn('mariadb-dump', [...this.#signIn, ...dumpHow, this.#schema], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    await pipeline(child.stdout, createWriteStream(this.#dump));
    const [code] = (await ended) as [number];
    if (code !== 0) throw new Error(`mariadb-dump ended with ${code}`);
  }

  /** Closes the binlog that is being written, and copies all that are closed. */
  async archiveBinlogs(): Promise<void> {
    await this.#sql(Buffer.from('FLUSH BINARY LOGS'));
    const [row] = (await askSql(this.#database.port, 'SELECT @@datadir AS at')) as { readonly at: string }[];
    const at = row?.at ?? '';
    const names = (await readdir(at)).filter((name) => /^binlog\.\d+$/.test(name)).toSorted();
    for (const name of names.slice(0, -1))
      await copyFile(path.join(at, name), path.join(this.#directory, name));
  }

  /** The dump into a database of the same name, and what the archived binlogs have since. */
  async restore(): Promise<void> {
    const { file, position } = await this.#dumpedAt();
    const database = this.#schema;
    await this.#sql(Buffer.from(`DROP DATABASE IF EXISTS ${database}; CREATE DATABASE ${database}`));
    await this.#sql(createReadStream(this.#dump), database);
    const names = (await readdir(this.#directory)).filter(
      (name) => name >= file && /^binlog\.\d+$/.test(name),
    );
    const files = names.toSorted().map((name) => path.join(this.#directory, name));
    const replay = spawn(
      'mariadb-binlog',
      [`--start-position=${position}`, `--database=${database}`, ...files],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const ended = once(replay, 'close');
    await this.#sql(replay.stdout, database);
    const [code] = (await ended) as [number];
    if (code !== 0) throw new Error(`mariadb-binlog ended with ${code}`);
  }

  /** From the comment that `--master-data=2` leaves. */
  async #dumpedAt(): Promise<{ readonly file: string; readonly position: string }> {
    const text = await readFile(this.#dump, 'latin1');
    const found = /MASTER_LOG_FILE='(binlog\.\d+)', MASTER_LOG_POS=(\d+)/.exec(text.slice(0, 10_000));
    if (found === null) throw new Error('the dump does not say where in the binlog it is');
    return { file: found[1] as string, position: found[2] as string };
  }

  async #sql(input: Readable | Buffer, database?: string): Promise<void> {
    const loading = run('mariadb', [
      ...this.#signIn,
      '--init-command=SET sql_log_bin = 0',
      ...(database === undefined ? [] : [database]),
    ]);
    const stdin = loading.child.stdin as NodeJS.WritableStream;
    if (Buffer.isBuffer(input)) stdin.end(input);
    else input.pipe(stdin);
    await loading;
  }

  get #signIn(): string[] {
    const { host, port, user } = this.#database.address;
    return [`--host=${host}`, `--port=${port}`, `--user=${user}`];
  }
}
