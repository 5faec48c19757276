import type { ConvId, ConvNo } from '../../services/core/ids.ts';
import {
  type CommitBatch,
  type CommitOutcome,
  type CursorRow,
  type MessageStore,
  StoreError,
} from '../../services/ports/message-store.ts';

/**
 * What happens to a commit. `unknownBefore`: nothing is written, and the caller is told that this isn't known.
 * `unknownAfter`: the same after it was written. `hold`: it waits until it is released, then goes on as usual.
 */
export type CommitFault =
  | { readonly t: 'unavailable' | 'full' | 'rejected' | 'epoch' | 'unknownBefore' | 'unknownAfter' }
  | { readonly t: 'hold' | 'holdAfter'; readonly until: Promise<void> }
  | { readonly t: 'bug' };

type Reading = 'load' | 'heads' | 'range' | 'findClientKeys' | 'locate' | 'memberships' | 'cursors';

/** A real store that fails as a test says, and counts what it is asked. */
export class FaultyStore implements MessageStore {
  readonly inner: MessageStore;
  /** The next commits meet these, in turn; those after them go through. */
  readonly script: CommitFault[] = [];
  /** Batches with one of these conversations are rejected, as long as they stand here. */
  readonly poisoned = new Set<ConvId>();
  /** Batches with an entry that has this content are rejected. */
  poisonedContent: string | undefined;
  /** How many of the next reads of each kind fail as unavailable. */
  readonly failingReads = new Map<Reading, number>();
  /** How many of the next writes of cursors fail as unavailable. */
  failingCursorWrites = 0;
  /** Every batch that was asked for, also those that failed. */
  readonly batches: CommitBatch[] = [];
  readonly cursorRows: CursorRow[] = [];
  readonly calls = new Map<string, number>();
  /** Called before each commit goes on, whatever the script says. */
  beforeCommit: (batch: CommitBatch) => Promise<void> | void = () => {};
  /** Called once a read is answered, before the caller hears of it. */
  afterRead: (kind: Reading) => Promise<void> | void = () => {};

  constructor(inner: MessageStore) {
    this.inner = inner;
  }

  get epoch(): string {
    return this.inner.epoch;
  }

  get clientKeySecret(): Uint8Array {
    return this.inner.clientKeySecret;
  }

  count(call: string): number {
    return this.calls.get(call) ?? 0;
  }

  async commit(batch: CommitBatch): Promise<readonly CommitOutcome[]> {
    this.#counted('commit');
    this.batches.push(batch);
    await this.beforeCommit(batch);
    if (this.#isPoisoned(batch)) throw new StoreError('rejected', 'a test poisons this row');
    const fault = this.script.shift();
    if (fault === undefined) return this.inner.commit(batch);
    switch (fault.t) {
      case 'hold':
        await fault.until;
        return this.inner.commit(batch);
      case 'holdAfter': {
        const outcomes = await this.inner.commit(batch);
        await fault.until;
        return outcomes;
      }
      case 'unknownBefore':
        throw new StoreError('unknown', 'a test says that nobody knows');
      case 'unknownAfter':
        await this.inner.commit(batch);
        throw new StoreError('unknown', 'a test says that nobody knows');
      case 'bug':
        throw new TypeError('a bug, as a test says');
      default:
        throw new StoreError(fault.t, `a test says ${fault.t}`);
    }
  }

  load(...args: Parameters<MessageStore['load']>) {
    return this.#read('load', () => this.inner.load(...args));
  }

  heads(...args: Parameters<MessageStore['heads']>) {
    return this.#read('heads', () => this.inner.heads(...args));
  }

  range(...args: Parameters<MessageStore['range']>) {
    return this.#read('range', () => this.inner.range(...args));
  }

  findClientKeys(...args: Parameters<MessageStore['findClientKeys']>) {
    return this.#read('findClientKeys', () => this.inner.findClientKeys(...args));
  }

  locate(...args: Parameters<MessageStore['locate']>) {
    return this.#read('locate', () => this.inner.locate(...args));
  }

  memberships(...args: Parameters<MessageStore['memberships']>) {
    return this.#read('memberships', () => this.inner.memberships(...args));
  }

  cursors(...args: Parameters<MessageStore['cursors']>) {
    return this.#read('cursors', () => this.inner.cursors(...args));
  }

  async raiseCursors(rows: readonly CursorRow[]): Promise<void> {
    this.#counted('raiseCursors');
    if (this.failingCursorWrites > 0) {
      this.failingCursorWrites -= 1;
      throw new StoreError('unavailable', 'a test says so');
    }
    this.cursorRows.push(...rows);
    return this.inner.raiseCursors(rows);
  }

  readEpoch(): Promise<string> {
    return this.inner.readEpoch();
  }

  adoptEpoch(epoch: string): void {
    this.inner.adoptEpoch(epoch);
  }

  renewEpoch(from: string): Promise<string> {
    return this.inner.renewEpoch(from);
  }

  leaseWorker(...args: Parameters<MessageStore['leaseWorker']>) {
    return this.inner.leaseWorker(...args);
  }

  check(...args: Parameters<MessageStore['check']>) {
    return this.inner.check(...args);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  /** The next `times` reads of this kind fail. */
  failReads(kind: Reading, times: number): void {
    this.failingReads.set(kind, times);
  }

  /** Rows of one conversation in all batches asked for. */
  commitsOf(convNo: ConvNo) {
    return this.batches.flatMap((batch) => batch.conversations.filter((commit) => commit.convNo === convNo));
  }

  async #read<T>(kind: Reading, read: () => Promise<T>): Promise<T> {
    this.#counted(kind);
    const failing = this.failingReads.get(kind) ?? 0;
    if (failing > 0) {
      this.failingReads.set(kind, failing - 1);
      throw new StoreError('unavailable', `a test says that ${kind} does not work`);
    }
    const answer = await read();
    await this.afterRead(kind);
    return answer;
  }

  #isPoisoned({ conversations }: CommitBatch): boolean {
    return conversations.some(
      ({ convId, entries }) =>
        this.poisoned.has(convId) ||
        (this.poisonedContent !== undefined &&
          entries.some(({ content }) =>
            Buffer.from(content).includes(this.poisonedContent as string, 0, 'utf8'),
          )),
    );
  }

  #counted(call: string): void {
    this.calls.set(call, this.count(call) + 1);
  }
}

/** A commit that waits, and what lets it go. */
export function held(t: 'hold' | 'holdAfter' = 'hold'): { readonly fault: CommitFault; release(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { fault: { t, until: promise }, release: resolve };
}
