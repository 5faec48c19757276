import { StoreError, type StoreErrorKind } from '../../ports/message-store.ts';

/** The server refused a statement. The connection is in order, its transaction may still be open. */
export class ServerError extends Error {
  /** MySQL's number of the error. */
  readonly errno: number;
  /** Statements of the packet that had succeeded before. */
  readonly succeeded: number;
  constructor(errno: number, succeeded: number, message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'ServerError';
    this.errno = errno;
    this.succeeded = succeeded;
  }
}

const silenceMs = 1_000;

/** The connection is gone, or was given up because it took too long: nobody knows what became of the packet. */
export class LostError extends Error {
  override readonly name: string = 'LostError';
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
  }
}

/** The answer took too long. Times are those of a clock that never goes back. */
export class LateError extends LostError {
  override readonly name = 'LateError';
  readonly askedAtMs: number;
  /** When the connection was last heard of. */
  readonly heardAtMs: number;
  constructor(
    message: string,
    { askedAtMs, heardAtMs }: { readonly askedAtMs: number; readonly heardAtMs: number },
  ) {
    super(message);
    this.askedAtMs = askedAtMs;
    this.heardAtMs = heardAtMs;
  }

  /**
   * Whether it may be the connection that was forgotten on the way, and not the database that is slow: of that one more
   * query would make more of the same.
   */
  get afterSilence(): boolean {
    return this.askedAtMs - this.heardAtMs > silenceMs;
  }
}

/**
 * What an error means for the transaction it struck:
 * - conflict: a unique key was there already, or a condition did not hold
 * - epoch: the store's epoch is another one
 * - contended: a deadlock, a certification failure or a wait for a lock that was too long; again may work
 * - full, rejected: as in StoreErrorKind
 * - lost: the connection is gone
 * - other: the database can't do it now
 */
export type Failure = 'conflict' | 'epoch' | 'contended' | 'full' | 'rejected' | 'lost' | 'other';

const byErrno: Readonly<Record<number, Failure>> = {
  1062: 'conflict', // ER_DUP_ENTRY
  1586: 'conflict', // ER_DUP_ENTRY_WITH_KEY_NAME
  1048: 'conflict', // ER_BAD_NULL_ERROR: `conditions` of the outbox row
  1452: 'epoch', // ER_NO_REFERENCED_ROW_2
  1216: 'epoch', // ER_NO_REFERENCED_ROW
  1213: 'contended', // ER_LOCK_DEADLOCK, and what Galera answers when certification fails
  1205: 'contended', // ER_LOCK_WAIT_TIMEOUT
  3: 'full', // EE_WRITE
  20: 'full', // EE_DISKFULL
  28: 'full', // ENOSPC
  1021: 'full', // ER_DISK_FULL
  1026: 'full', // ER_ERROR_ON_WRITE
  1114: 'full', // ER_RECORD_FILE_FULL
  1153: 'rejected', // ER_NET_PACKET_TOO_LARGE
  1264: 'rejected', // ER_WARN_DATA_OUT_OF_RANGE
  1406: 'rejected', // ER_DATA_TOO_LONG
  1366: 'rejected', // ER_TRUNCATED_WRONG_VALUE_FOR_FIELD
};

const storageEngineError = 1030;

/** What a server says that takes no writes, or is none of its cluster any more. */
const leaves: ReadonlySet<number> = new Set([
  1290, // ER_OPTION_PREVENTS_STATEMENT: read_only, super_read_only
  1836, // ER_READ_ONLY_MODE
  1047, // ER_UNKNOWN_COM_ERROR: what a Galera node answers without a majority
]);

/** Whether the server has undone the transaction that it refused so, also where that was at its COMMIT. */
export function undone(error: unknown): boolean {
  return error instanceof ServerError && (error.errno === 1290 || error.errno === 1836);
}

/** Whether the next connection may be to another server, which can do it, while this one goes on refusing. */
export function leavesServer(error: unknown): boolean {
  return error instanceof ServerError && leaves.has(error.errno);
}

export function failureOf(error: unknown): Failure {
  if (error instanceof LostError) return 'lost';
  if (!(error instanceof ServerError)) return 'other';
  if (error.errno === storageEngineError) return /\b28\b|no space/i.test(error.message) ? 'full' : 'other';
  return byErrno[error.errno] ?? 'other';
}

/** What a caller is told of a batch that can't be rendered, or was not written. */
export function refusalOf(error: unknown): StoreError {
  return error instanceof RangeError ? new StoreError('rejected', error.message, error) : refusal(error);
}

/** What a caller is told of an operation that wrote nothing. */
export function refusal(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const failure = failureOf(error);
  const kind: StoreErrorKind =
    failure === 'full' || failure === 'rejected' || failure === 'epoch' ? failure : 'unavailable';
  return new StoreError(kind, `${words[kind]}: ${messageOf(error)}`, error);
}

const words: Readonly<Record<StoreErrorKind, string>> = {
  unavailable: 'the database is not available',
  full: 'the disk of the database is full',
  unknown: 'the outcome is not known',
  epoch: 'the store was restored',
  rejected: 'the database can never take this',
};

export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Node's own errors of a host with several addresses have no message.
  const { code } = error as NodeJS.ErrnoException;
  return error.message === '' ? (code ?? error.name) : error.message;
}
