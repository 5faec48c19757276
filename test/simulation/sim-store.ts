import type { MemoryStore } from '../../services/message/testing/memory-store.ts';
import { type CommitBatch, type MessageStore, StoreError } from '../../services/ports/message-store.ts';
import type { Outbox } from '../../services/ports/outbox.ts';
import type { Actor, Scheduler } from './scheduler.ts';
import type { Weather } from './weather.ts';

export interface SimStoreParts {
  readonly scheduler: Scheduler;
  readonly weather: Weather;
  /** Whose store it is: with it, what it waits for is gone. */
  readonly actor: Actor;
  /** Where operations happen: they do, whatever has become of who asked. */
  readonly database: Actor;
  readonly rows: MemoryStore;
  /** In whose name commits leave rows in the outbox. */
  readonly incarnation: () => string;
  /** Called before each commit is sent. */
  readonly committing?: (batch: CommitBatch, incarnation: string) => void;
}

/**
 * One node's connection to the database: an operation is on its way for a while, happens at one moment, and its answer is
 * on its way again, so that what is read may be old when it comes, and a commit may land after its caller is dead.
 */
export class SimStore implements MessageStore {
  epoch: string;
  readonly clientKeySecret: Uint8Array;
  readonly outbox: Outbox;
  readonly #parts: SimStoreParts;
  readonly #rows: MemoryStore;
  /** In whose name the commit that lands now was sent. */
  #landingAs = '';

  constructor(parts: SimStoreParts) {
    this.#parts = parts;
    const { rows, scheduler, database } = parts;
    this.#rows = rows.reopened({
      incarnation: () => this.#landingAs,
      nowMs: () => scheduler.clock(database).wallMs(),
    });
    const { outbox } = this.#rows;
    this.outbox = {
      rows: (...args) => this.#ask('read', () => outbox.rows(...args)),
      count: (...args) => this.#ask('read', () => outbox.count(...args)),
      lapsed: (...args) => this.#ask('read', () => outbox.lapsed(...args)),
      remove: (...args) => this.#ask('commit', () => outbox.remove(...args)),
      adopt: (...args) => this.#ask('commit', () => outbox.adopt(...args)),
    };
    this.epoch = this.#rows.epoch;
    this.clientKeySecret = this.#rows.clientKeySecret;
  }

  commit(batch: CommitBatch) {
    // The name goes with the batch: by the time it lands, this run may have another one.
    const incarnation = this.#parts.incarnation();
    this.#parts.committing?.(batch, incarnation);
    const act = () => {
      this.#landingAs = incarnation;
      return this.#rows.commit(batch);
    };
    return this.#ask('commit', act, () => this.#parts.weather.commitMs());
  }

  readEpoch(): Promise<string> {
    return this.#ask('read', () => this.#rows.readEpoch());
  }

  adoptEpoch(epoch: string): void {
    this.epoch = epoch;
    this.#rows.adoptEpoch(epoch);
  }

  renewEpoch(from: string): Promise<string> {
    return this.#ask('commit', () => this.#rows.renewEpoch(from));
  }

  load(...args: Parameters<MessageStore['load']>) {
    return this.#ask('read', () => this.#rows.load(...args));
  }

  heads(...args: Parameters<MessageStore['heads']>) {
    return this.#ask('read', () => this.#rows.heads(...args));
  }

  range(...[convNo, fromSeq, toSeq, limit, backward]: Parameters<MessageStore['range']>) {
    return this.#ask('read', () => this.#rows.range(convNo, fromSeq, toSeq, limit, backward));
  }

  findClientKeys(...args: Parameters<MessageStore['findClientKeys']>) {
    return this.#ask('read', () => this.#rows.findClientKeys(...args));
  }

  locate(...args: Parameters<MessageStore['locate']>) {
    return this.#ask('read', () => this.#rows.locate(...args));
  }

  memberships(...args: Parameters<MessageStore['memberships']>) {
    return this.#ask('read', () => this.#rows.memberships(...args));
  }

  cursors(...args: Parameters<MessageStore['cursors']>) {
    return this.#ask('read', () => this.#rows.cursors(...args));
  }

  raiseCursors(...args: Parameters<MessageStore['raiseCursors']>) {
    // The epoch goes with the rows: this run may have adopted another one when they land.
    const { epoch } = this;
    return this.#ask('read', async () => {
      if (epoch === this.#rows.epoch) await this.#rows.raiseCursors(...args);
    });
  }

  leaseWorker(...args: Parameters<MessageStore['leaseWorker']>) {
    return this.#ask('read', () => this.#rows.leaseWorker(...args));
  }

  check(...args: Parameters<MessageStore['check']>) {
    return this.#ask('read', () => this.#rows.check(...args));
  }

  close(): Promise<void> {
    return this.#rows.close();
  }

  #ask<T>(
    kind: 'commit' | 'read',
    act: () => Promise<T>,
    wayMs = () => this.#parts.weather.storeMs(),
  ): Promise<T> {
    const { weather } = this.#parts;
    const fate = weather.fate(kind);
    return new Promise<T>((resolve, reject) => {
      const lost = (): void => this.#answered(() => reject(new StoreError('unknown', 'the answer is lost')));
      switch (fate) {
        case 'done':
          this.#happens(wayMs(), act, resolve, reject);
          return;
        case 'unavailable':
          this.#answered(() => reject(new StoreError('unavailable', 'the database is not there')));
          return;
        case 'unknownAfter':
          this.#happens(weather.storeMs(), act, lost, lost);
          return;
        case 'unknownBefore':
          lost();
          return;
        case 'unknownLate':
          this.#happens(weather.lateMs(), act, ignored, ignored);
          lost();
      }
    });
  }

  #happens<T>(
    afterMs: number,
    act: () => Promise<T>,
    done: (result: T) => void,
    failed: (error: unknown) => void,
  ): void {
    const { scheduler, database } = this.#parts;
    scheduler.at(database, afterMs, () => {
      void this.#carryOut(act, done, failed);
    });
  }

  async #carryOut<T>(
    act: () => Promise<T>,
    done: (result: T) => void,
    failed: (error: unknown) => void,
  ): Promise<void> {
    try {
      const result = await act();
      this.#answered(() => done(result));
    } catch (error) {
      this.#answered(() => failed(error));
    }
  }

  #answered(tell: () => void): void {
    const { scheduler, actor, weather } = this.#parts;
    scheduler.at(actor, weather.storeMs(), tell);
  }
}

const ignored = (): void => {};
