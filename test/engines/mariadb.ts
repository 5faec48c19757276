import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Connection, createConnection } from 'mysql2/promise';
import { serverEnvironment } from './child.ts';
import { Engine, type EngineSpec, engineDirectory } from './engine.ts';
import { freePort } from './free-port.ts';

const run = promisify(execFile);
const askMs = 2_000;

export interface MariaDbOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Where its data is to be, in a directory of its own; it goes with the server. Default: a temporary one. */
  readonly directory?: string;
  /** More of the server's options, `--name=value`; later ones win. */
  readonly settings?: readonly string[];
}

/** Where a server that speaks MySQL's protocol is, as mysql2 takes it. */
export interface SqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** A private server has one user, who may do everything, from this machine only. */
export function sqlAddress(port: number): SqlAddress {
  return { host: '127.0.0.1', port, user: 'root', password: '' };
}

/** A MariaDB that has a transaction on the disk before it says that it is committed. */
export function mariaDbSpec(
  o: MariaDbOptions & { directory: string; port: number; user?: string },
): EngineSpec {
  // Started by root it wants to be told who to be, even when that is root.
  const user = process.getuid?.() === 0 ? [`--user=${o.user ?? 'root'}`] : [];
  return {
    name: 'mariadb',
    directory: o.directory,
    command: 'mariadbd',
    args: [
      '--no-defaults',
      ...user,
      `--datadir=${join(o.directory, 'data')}`,
      // A server that starts removes the temporary tables of all others that share its directory for them.
      `--tmpdir=${o.directory}`,
      `--port=${o.port}`,
      '--bind-address=127.0.0.1',
      // Relative to the data directory: the path of a socket has a short limit.
      '--socket=mariadb.sock',
      '--skip-name-resolve',
      '--character-set-server=utf8mb4',
      '--innodb-flush-log-at-trx-commit=1',
      '--innodb-buffer-pool-size=128M',
      '--innodb-log-file-size=64M',
      '--max-connections=500',
      ...(o.settings ?? []),
    ],
    prepare: () => layOut(o.directory, user),
    ask: () => askSql(o.port, 'SELECT 1').then(() => undefined),
  };
}

/** By MariaDB's own shell script, which takes a path with a space for two: it gets another path to the directory. */
async function layOut(directory: string, user: readonly string[]): Promise<void> {
  const plain = await mkdtemp(join(tmpdir(), 'parley-mariadb-path-'));
  try {
    // It may change to another user, who must get through.
    await chmod(plain, 0o711);
    const link = join(plain, 'link');
    await symlink(directory, link);
    const data = `--datadir=${join(link, 'data')}`;
    const settings = ['--auth-root-authentication-method=normal', '--skip-test-db'];
    const args = ['--no-defaults', ...user, data, `--tmpdir=${link}`, ...settings];
    await run('mariadb-install-db', args, { env: serverEnvironment });
  } finally {
    await rm(plain, { recursive: true });
  }
}

/** Asks one question over a connection of its own. */
export async function askSql(port: number, sql: string): Promise<unknown[]> {
  const connection = await createConnection({ ...sqlAddress(port), connectTimeout: askMs });
  try {
    const [rows] = await connection.query({ sql, timeout: askMs });
    return rows as unknown[];
  } finally {
    connection.destroy();
  }
}

/** A private MariaDB, durable at every commit. From Debian's package mariadb-server. */
export class MariaDb extends Engine {
  readonly address: SqlAddress;

  private constructor(o: MariaDbOptions & { directory: string; port: number }) {
    super(mariaDbSpec(o));
    this.address = sqlAddress(o.port);
  }

  static async start(o: MariaDbOptions = {}): Promise<MariaDb> {
    const port = o.port ?? (await freePort());
    const database = new MariaDb({
      ...o,
      port,
      directory: o.directory ?? (await engineDirectory('mariadb')),
    });
    await database.launch();
    return database;
  }

  get port(): number {
    return this.address.port;
  }

  /** A connection of the caller's own, to no schema or to the one named. */
  connect(schema?: string): Promise<Connection> {
    return createConnection({ ...this.address, database: schema });
  }
}
