import { StoreError } from '../../ports/message-store.ts';
import { LostError, refusal } from './failure.ts';
import { SessionPool } from './pool.ts';
import { type MySqlConfig, type Server, serverOf } from './server.ts';
import { type Result, Session } from './session.ts';
import { assertDurable, assertUsable, type ServerTraits, traitsOf, traitsQuery } from './traits.ts';

export interface DatabaseOptions {
  readonly config: MySqlConfig;
  /** Refuses a server that is not durable at commit. */
  readonly requireDurable: boolean;
}

/** `check` reads like `read`, without a limit on how long; `schema` also writes only what it knows to be current. */
type Purpose = 'commit' | 'read' | 'background' | 'check' | 'schema';

const backgroundSessions = 2;
const commitsWaiting = 256;
const readsWaiting = 4_096;
const backgroundWaiting = 256;
const lockWaitSeconds = 1;

/** The database: three pools, so that neither reads nor cursors ever stand before a commit. */
export class Database {
  readonly #options: DatabaseOptions;
  readonly #server: Server;
  /** READ COMMITTED, a short wait for locks. */
  readonly commits: SessionPool;
  /** REPEATABLE READ; current on Galera, too. */
  readonly reads: SessionPool;
  /** Cursors, leases, the outbox: like commits, on sessions of their own. */
  readonly background: SessionPool;
  #traits: ServerTraits | undefined;

  private constructor(options: DatabaseOptions) {
    const { commitConnections, readConnections, commitTimeoutMs, readTimeoutMs } = options.config;
    this.#options = options;
    this.#server = serverOf(options.config);
    const pool = (purpose: Purpose, size: number, waitingAtMost: number, waitMs: number) =>
      new SessionPool({ size, waitingAtMost, waitMs, open: () => this.openSession(purpose) });
    this.commits = pool('commit', commitConnections, commitsWaiting, commitTimeoutMs);
    this.reads = pool('read', readConnections, readsWaiting, readTimeoutMs);
    this.background = pool('background', backgroundSessions, backgroundWaiting, readTimeoutMs);
  }

  /** Connects once, so that what is wrong is said at the start. Rejects with a StoreError `unavailable`. */
  static async open(options: DatabaseOptions): Promise<Database> {
    const database = new Database(options);
    const session = await database.openSession('commit');
    session.end();
    return database;
  }

  /** Of the server that was connected to last. */
  get traits(): ServerTraits {
    if (this.#traits === undefined) throw new Error('not connected yet');
    return this.#traits;
  }

  get commitTimeoutMs(): number {
    return this.#options.config.commitTimeoutMs;
  }

  get readTimeoutMs(): number {
    return this.#options.config.readTimeoutMs;
  }

  /** Sends one packet of SELECTs, a second time where the connection turns out to be gone. */
  async read(sql: string, urgent = false): Promise<readonly Result[]> {
    return this.#again(() => this.reads.run((session) => session.query(sql, this.readTimeoutMs), urgent));
  }

  /** Runs `task` on a session that reads; the session is given up where it fails. */
  async reading<T>(task: (session: Session) => Promise<T>, urgent = false): Promise<T> {
    return this.#again(() =>
      this.reads.run(async (session) => {
        try {
          return await task(session);
        } catch (error) {
          session.destroy();
          throw error;
        }
      }, urgent),
    );
  }

  /** A session of nobody's pool; end it. Rejects with a StoreError `unavailable`. */
  async openSession(purpose: Purpose): Promise<Session> {
    const { connectTimeoutMs } = this.#options.config;
    let session: Session | undefined;
    try {
      session = await Session.open(this.#server, connectTimeoutMs);
      const [variables] = await session.query(traitsQuery, connectTimeoutMs);
      const traits = traitsOf(variables?.rows ?? []);
      assertUsable(traits);
      if (this.#options.requireDurable) assertDurable(traits);
      await session.query(this.#setUp(purpose, traits), connectTimeoutMs);
      this.#traits = traits;
      return session;
    } catch (error) {
      session?.destroy();
      const told = refusal(error);
      // Whatever keeps it from being used, it is the database that is not there.
      throw told.kind === 'unavailable' ? told : new StoreError('unavailable', told.message, error);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.commits.close(), this.reads.close(), this.background.close()]);
  }

  #setUp(purpose: Purpose, { mariaDb, galera }: ServerTraits): string {
    const sets = [
      "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
      `innodb_lock_wait_timeout = ${lockWaitSeconds}`,
      'autocommit = 1',
    ];
    const reads = purpose === 'read' || purpose === 'check';
    // On Galera: 1 for reads, 7 for all statements.
    if (galera && purpose === 'schema') sets.push('wsrep_sync_wait = 7');
    else if (galera && reads) sets.push('wsrep_sync_wait = 1');
    if (purpose === 'read') {
      // Gives up on the server, too, what nobody waits for any more.
      const { readTimeoutMs } = this.#options.config;
      sets.push(
        mariaDb ? `max_statement_time = ${readTimeoutMs / 1_000}` : `max_execution_time = ${readTimeoutMs}`,
      );
    }
    const level = reads ? 'REPEATABLE READ' : 'READ COMMITTED';
    return `${sets.map((set) => `SET SESSION ${set}`).join(';')};SET SESSION TRANSACTION ISOLATION LEVEL ${level}`;
  }

  async #again<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt().catch((error: unknown) => {
        if (error instanceof LostError && !error.late) return attempt();
        throw error;
      });
    } catch (error) {
      throw refusal(error);
    }
  }
}
