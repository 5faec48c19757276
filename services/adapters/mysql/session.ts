import { connect, type Socket } from 'node:net';
import { type Connection, createConnection, type QueryError, type ResultSetHeader } from 'mysql2';
import { LateError, LostError, leavesServer, messageOf, ServerError } from './failure.ts';
import type { Server } from './server.ts';

/** BIGINT and DECIMAL come as digits, VARBINARY and BLOB as bytes (views: copy what is kept). */
export type Value = string | number | Buffer | null;
export type Row = readonly Value[];

/** Rows of a SELECT; of any other statement none, and how many rows it changed. */
export interface Result {
  readonly rows: readonly Row[];
  readonly changed: number;
}

/** What a server says before it hangs up: shutting down, interrupted, the connection was killed. */
const endsSession: ReadonlySet<number> = new Set([1053, 1317, 1927]);

/** Networks forget connections on which nothing is said for minutes, and tell nobody. */
const keepAliveDelayMs = 30_000;

type Raw = Row[] | ResultSetHeader;

/** One connection to the database. One query at a time. */
export class Session {
  /** When it began to connect, by a clock that never goes back. */
  readonly openedAtMs: number;
  readonly #connection: Connection;
  readonly #socket: Socket;
  #heardAtMs = performance.now();
  #lost: Error | undefined;
  #fail: ((error: Error) => void) | undefined;

  private constructor(connection: Connection, socket: Socket, openedAtMs: number) {
    this.openedAtMs = openedAtMs;
    this.#connection = connection;
    this.#socket = socket;
    const lost = (error: Error) => this.#losing(error);
    connection.on('error', lost);
    socket.on('close', () => lost(new Error('the database closed the connection')));
  }

  /** Connects and signs in. Rejects with a LostError, or a ServerError where the server says why it refuses. */
  static open(server: Server, connectTimeoutMs: number): Promise<Session> {
    const openedAtMs = performance.now();
    const socket = connect({
      host: server.host,
      port: server.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveDelayMs,
    });
    const connection = createConnection({
      // With a socket of our own a connection can be cut at once; mysql2 itself only says good-bye.
      stream: socket,
      host: server.host,
      user: server.user,
      password: server.password,
      database: server.database,
      ssl: server.ssl,
      charset: 'utf8mb4_bin',
      timezone: 'Z',
      connectTimeout: connectTimeoutMs,
      multipleStatements: true,
      rowsAsArray: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      flags: ['-LOCAL_FILES'],
      // Statements are whole: mysql2 would search each packet for question marks.
      queryFormat: (sql) => sql,
    });
    return new Promise((resolve, reject) => {
      // Covers what mysql2's own limit does not: a server that takes the connection and then says nothing.
      const timer = setTimeout(() => failed(new Error('connecting took too long')), connectTimeoutMs);
      const failed = (error: Error) => {
        clearTimeout(timer);
        socket.destroy();
        reject(asFailure(error, 0));
      };
      connection.once('error', failed);
      socket.once('error', failed);
      socket.once('close', () => failed(new Error('the database closed the connection')));
      connection.connect((error) => {
        if (error) return failed(error);
        clearTimeout(timer);
        resolve(new Session(connection, socket, openedAtMs));
      });
      connection.on('error', () => undefined);
    });
  }

  /** Whether another query may be tried. */
  get usable(): boolean {
    return this.#lost === undefined;
  }

  /** When it last answered, by the same clock as `openedAtMs`; at first, when it was connected. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  /** Why none may. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  /**
   * Sends statements in one packet, and resolves with a result for each. Rejects with a ServerError where one was
   * refused (those behind it did not run), with a LostError where the connection broke, and with a LateError where the
   * answer took longer than `timeoutMs`; the session is then of no use any more.
   */
  query(sql: string, timeoutMs: number): Promise<readonly Result[]> {
    if (this.#lost !== undefined) return Promise.reject(new LostError(messageOf(this.#lost), this.#lost));
    return new Promise((resolve, reject) => {
      const heard = { askedAtMs: performance.now(), heardAtMs: this.#heardAtMs };
      const timer = setTimeout(
        () => this.destroy(new LateError(`the database did not answer within ${timeoutMs} ms`, heard)),
        timeoutMs,
      );
      const settled = () => {
        clearTimeout(timer);
        this.#fail = undefined;
      };
      this.#fail = (error) => {
        settled();
        reject(asFailure(error, 0));
      };
      let statements = 0;
      const command = this.#connection.query({ sql }, (error: QueryError | null, answer: unknown) => {
        if (this.#fail === undefined) return;
        settled();
        this.#heardAtMs = performance.now();
        if (error === null) resolve(resultsOf(statements === 1 ? [answer as Raw] : (answer as Raw[])));
        else {
          const failure = asFailure(error, statements);
          if (failure instanceof LostError || endsSession.has(failure.errno) || leavesServer(failure))
            this.#losing(failure);
          reject(failure);
        }
      });
      command.on('fields', () => {
        statements += 1;
      });
    });
  }

  /** Cuts the connection at once; a query under way fails. */
  destroy(why: Error = new Error('the connection was given up')): void {
    this.#losing(why);
    this.#socket.destroy();
  }

  /** Says good-bye and hangs up. */
  end(): void {
    if (this.usable) {
      this.#lost = new Error('the connection was closed');
      this.#connection.end(() => this.#socket.destroy());
    }
    this.#socket.destroySoon();
  }

  #losing(error: Error): void {
    this.#lost ??= error;
    this.#fail?.(error instanceof LostError ? error : new LostError(messageOf(error), error));
  }
}

function resultsOf(raw: readonly Raw[]): Result[] {
  return raw.map((one) =>
    Array.isArray(one) ? { rows: one, changed: 0 } : { rows: [], changed: one.affectedRows },
  );
}

function asFailure(error: Error & { errno?: number }, succeeded: number): ServerError | LostError {
  if (error instanceof LostError || error instanceof ServerError) return error;
  // mysql2 adds the statements, which may be megabytes.
  if ('sql' in error) delete error.sql;
  // Errors of the system have negative numbers, those of mysql2 itself none.
  if (typeof error.errno === 'number' && error.errno > 0)
    return new ServerError(error.errno, succeeded, messageOf(error), error);
  return new LostError(messageOf(error), error);
}
