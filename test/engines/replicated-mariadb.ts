import { freePort } from './free-port.ts';
import { MariaDb } from './mariadb.ts';

const catchUpSeconds = 60;

/** A MariaDB, and a replica that follows it asynchronously. */
export class ReplicatedMariaDb implements AsyncDisposable {
  readonly primary: MariaDb;
  readonly replica: MariaDb;

  private constructor(primary: MariaDb, replica: MariaDb) {
    this.primary = primary;
    this.replica = replica;
  }

  static async start(): Promise<ReplicatedMariaDb> {
    await using stack = new AsyncDisposableStack();
    const server = async (id: number): Promise<MariaDb> =>
      stack.use(
        await MariaDb.start({
          port: await freePort(),
          settings: [
            `--server-id=${id}`,
            '--log-bin=binlog',
            '--binlog-format=ROW',
            '--slave-parallel-threads=2',
          ],
        }),
      );
    const pair = new ReplicatedMariaDb(await server(1), await server(2));
    await ask(
      pair.replica,
      `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${pair.primary.port}, MASTER_USER='root', MASTER_USE_GTID=slave_pos`,
    );
    await ask(pair.replica, 'START SLAVE');
    stack.move();
    return pair;
  }

  /** The replica has all that was committed until now, and follows no further. */
  async fallBehind(): Promise<void> {
    const [committed] = await ask(this.primary, 'SELECT @@global.gtid_binlog_pos AS position');
    const position = String(committed?.['position']);
    const [waited] = await ask(
      this.replica,
      `SELECT MASTER_GTID_WAIT('${position}', ${catchUpSeconds}) AS late`,
    );
    if (Number(waited?.['late']) !== 0) throw new Error(`the replica did not reach ${position}`);
    await ask(this.replica, 'STOP SLAVE');
  }

  /** The replica is on its own, and takes writes. */
  async promote(): Promise<void> {
    await ask(this.replica, 'RESET SLAVE ALL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.primary[Symbol.asyncDispose](), this.replica[Symbol.asyncDispose]()]);
  }
}

async function ask(database: MariaDb, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const connection = await database.connect();
  try {
    const [rows] = await connection.query(sql);
    return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
  } finally {
    await connection.end();
  }
}
