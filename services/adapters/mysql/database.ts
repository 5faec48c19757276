import { StoreError } from '../../ports/message-store.ts';
import { LateError, LostError, refusal } from './failure.ts';
import { SessionPool } from './pool.ts';
import { type MySqlConfig, type Server, serverOf } from './server.ts';
import { type Result, Session } from './session.ts';
import {
  assertDurable,
  assertUsable,
  assertWritable,
  type ServerTraits,
  traitsOf,
  traitsQuery,
} from './traits.ts';
import { Trust } from './trust.ts';

export interface DatabaseOptions {
  readonly config: MySqlConfig;
  /** Refuses a server that is not durable at commit. */
  readonly requireDurable: boolean;
}

/** `check` reads like `read`, without a limit on how long; `schema` also writes only what it knows to be current. */
type Purpose = 'commit' | 'read' | 'background' | 'check' | 'schema';

const backgroundSessions = 2;
const userSessions = 2;
const commitsWaiting = 256;
const readsWaiting = 4_096;
const backgroundWaiting = 256;
const usersWaiting = 256;
const leasesWaiting = 256;
const lockWaitSeconds = 1;

/** The database: pools of sessions, one for each kind of work that none of the others may hold up. */
export class Database {
  readonly #options: DatabaseOptions;
  readonly #server: Server;
  /** READ COMMITTED, a short wait for locks. */
  readonly commits: SessionPool;
  /** REPEATABLE READ; current on Galera, too. */
  readonly reads: SessionPool;
  /** Cursors, the outbox, the audit log: like commits, on sessions of their own. */
  readonly background: SessionPool;
  /** What users have written besides messages, as often as they like: their devices, what is to be pushed to them. */
  readonly users: SessionPool;
  /** The worker number: a node that can't renew its lease has no ids to give. */
  readonly leases: SessionPool;
  #traits: ServerTraits | undefined;

  private constructor(options: DatabaseOptions) {
    const { commitConnections, readConnections, commitTimeoutMs, readTimeoutMs } = options.config;
    this.#options = options;
    this.#server = serverOf(options.config);
    const trust = new Trust();
    const pool = (purpose: Purpose, size: number, waitingAtMost: number, waitMs: number) =>
      new SessionPool({ size, waitingAtMost, waitMs, trust, open: () => this.openSession(purpose) });
    const background = (size: number, waitingAtMost: number) =>
      pool('background', size, waitingAtMost, readTimeoutMs);
    this.commits = pool('commit', commitConnections, commitsWaiting, commitTimeoutMs);
    this.reads = pool('read', readConnections, readsWaiting, readTimeoutMs);
    this.background = background(backgroundSessions, backgroundWaiting);
    this.users = background(userSessions, usersWaiting);
    this.leases = background(1, leasesWaiting);
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

  /** Tasks that were refused because too many waited, or for too long. */
  get overloads(): number {
    return this.#pools.reduce((sum, { overloads }) => sum + overloads, 0);
  }

  get commitTimeoutMs(): number {
    return this.#options.config.commitTimeoutMs;
  }

  get readTimeoutMs(): number {
    return this.#options.config.readTimeoutMs;
  }

  /** Sends one packet of SELECTs, a second time where the connection turns out to be gone, or seems to. */
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
      const told = (await session.query(traitsQuery, connectTimeoutMs)).flatMap(({ rows }) => rows);
      assertWritable(told);
      const traits = traitsOf(told);
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
    await Promise.all(this.#pools.map((pool) => pool.close()));
  }

  get #pools(): readonly SessionPool[] {
    return [this.commits, this.reads, this.background, this.users, this.leases];
  }

  #setUp(purpose: Purpose, { mariaDb, galera }: ServerTraits): string {
    const sets = [
      "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
      `innodb_lock_wait_timeout = ${lockWaitSeconds}`,
      'autocommit = 1',
      // In the hour that a zone's clocks repeat, the present time is an hour off once it has been a date in between.
      "time_zone = '+00:00'",
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
        if (error instanceof LateError ? error.afterSilence : error instanceof LostError) return attempt();
        throw error;
      });
    } catch (error) {
      throw refusal(error);
    }
  }
}
