import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../../ports/message-store.ts';
import type { StoreEvent } from './events.ts';
import { isFull, type Level, type LevelOptions, messageOf, openLevel } from './level.ts';
import type { Reserve } from './reserve.ts';

export interface DatabaseOptions extends LevelOptions {
  readonly directory: string;
  readonly reserve: Reserve;
  readonly onEvent: (event: StoreEvent) => void;
}

/**
 * - open: reads and writes
 * - refusing: reads; writes are refused until the disk has room again
 * - reopening: neither; a write failed, LevelDB is being closed and opened
 * - closed: for good
 */
type State =
  | { readonly t: 'open'; readonly level: Level }
  | { readonly t: 'refusing'; readonly level: Level; readonly error: StoreError }
  | { readonly t: 'reopening'; readonly error: StoreError }
  | { readonly t: 'closed' };

export type DatabaseState = State['t'];

const firstPauseMs = 50;
const longestPauseMs = 2_000;

/**
 * LevelDB with its failures. Once a write has failed, LevelDB's log may end in half a record, and whatever were written
 * behind it would be lost at the next start. So after any failed write nothing is written until LevelDB was closed and
 * opened again, which drops the half record; that is tried until it works. Whether the failed write itself
 * happened can be read once `readable` resolves.
 */
export class Database {
  readonly #options: DatabaseOptions;
  #state: State;
  #changed = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  #mending: Promise<void> | undefined;

  private constructor(options: DatabaseOptions, level: Level) {
    this.#options = options;
    this.#state = { t: 'open', level };
  }

  static async open(options: DatabaseOptions): Promise<Database> {
    let level: Level;
    try {
      level = await openLevel(options.directory, options);
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'full') throw error;
      await options.reserve.release();
      level = await openLevel(options.directory, { ...options, createIfMissing: false });
    }
    const database = new Database(options, level);
    try {
      await options.reserve.fill();
    } catch (cause) {
      database.#refuse(level, cause);
      database.#mending = database.#acceptWrites(level, () => options.reserve.refill());
    }
    return database;
  }

  get state(): DatabaseState {
    return this.#state.t;
  }

  /** For reads. Throws `unavailable` while there is nothing to read from. */
  get level(): Level {
    const state = this.#state;
    if (state.t === 'open' || state.t === 'refusing') return state.level;
    throw unreadable(state);
  }

  /** Throws why writes are refused, if they are. */
  assertWritable(): void {
    const state = this.#state;
    if (state.t === 'closed') throw unreadable(state);
    if (state.t !== 'open') throw state.error;
  }

  /** Resolves once reads work; rejects where that takes longer than `withinMs`, or never. */
  async readable(withinMs: number): Promise<void> {
    if (this.#state.t === 'reopening') await this.#mended(withinMs);
    if (this.#state.t === 'reopening' || this.#state.t === 'closed') throw unreadable(this.#state);
  }

  async #mended(withinMs: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      late.resolve();
    }, withinMs);
    while (this.#state.t === 'reopening' && !isLate)
      await Promise.race([this.#changed.promise, late.promise]);
    clearTimeout(timer);
  }

  /** Call when a write has failed: refuses writes from now on, and starts mending. Returns what refused writes are told. */
  failed(cause: unknown): StoreError {
    const error = refusal(cause);
    if (this.#state.t === 'open') {
      this.#options.onEvent({ t: 'writeFailed', kind: error.kind, message: messageOf(cause) });
      this.#mending = this.#mend(this.#state.level, error);
    }
    return error;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#mending;
    const state = this.#state;
    this.#become({ t: 'closed' });
    if (state.t === 'open' || state.t === 'refusing') await state.level.close();
  }

  async #mend(broken: Level, error: StoreError): Promise<void> {
    const { directory, onEvent, reserve } = this.#options;
    this.#become({ t: 'reopening', error });
    await broken.close().catch(() => undefined);
    if (error.kind === 'full') await reserve.release().catch(() => undefined);
    // Never makes a new one: an empty store in place of one that went missing would take everything for lost.
    const level = await this.#retry(() => openLevel(directory, { ...this.#options, createIfMissing: false }));
    if (level === undefined) return;
    this.#become({ t: 'refusing', level, error });
    onEvent({ t: 'reopened' });
    await this.#acceptWrites(level, () => (error.kind === 'full' ? reserve.refill() : reserve.fill()));
  }

  /** Accepts writes as soon as the reserve can be filled. */
  async #acceptWrites(level: Level, fill: () => Promise<void>): Promise<void> {
    await this.#retry(async () => {
      try {
        await fill();
      } catch (cause) {
        this.#refuse(level, cause);
        throw cause;
      }
    });
    if (this.#stop.signal.aborted) return;
    this.#become({ t: 'open', level });
    this.#options.onEvent({ t: 'recovered' });
  }

  #refuse(level: Level, cause: unknown): void {
    const error = refusal(cause);
    const before = this.#state;
    this.#become({ t: 'refusing', level, error });
    if (before.t !== 'refusing' || before.error.kind !== error.kind)
      this.#options.onEvent({ t: 'refusing', kind: error.kind, message: messageOf(cause) });
  }

  /** Tries until it works; undefined when closed meanwhile. */
  async #retry<T>(attempt: () => Promise<T>): Promise<T | undefined> {
    for (let pauseMs = firstPauseMs; !this.#stop.signal.aborted; ) {
      try {
        return await attempt();
      } catch {
        await sleep(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
        pauseMs = Math.min(2 * pauseMs, longestPauseMs);
      }
    }
    return undefined;
  }

  #become(state: State): void {
    this.#state = state;
    const changed = this.#changed;
    this.#changed = Promise.withResolvers();
    changed.resolve();
  }
}

function refusal(cause: unknown): StoreError {
  return isFull(cause)
    ? new StoreError('full', 'the disk is full', cause)
    : new StoreError('unavailable', `the store can't write: ${messageOf(cause)}`, cause);
}

function unreadable(state: State): StoreError {
  return state.t === 'closed'
    ? new StoreError('unavailable', 'the store is closed')
    : new StoreError('unavailable', 'the store is being reopened after a failed write');
}
