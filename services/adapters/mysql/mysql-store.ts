import type { Failpoints } from '../../core/failpoint.ts';
import type { ConvId, ConvNo, MsgId, Seq, UserId } from '../../core/ids.ts';
import type { Logger } from '../../core/log.ts';
import { KeyRing, type MasterKey } from '../../core/seal.ts';
import {
  type ClientKey,
  type CommitBatch,
  type CommitOutcome,
  type ConversationSnapshot,
  type HeadSnapshot,
  type CursorRow,
  type Duplicate,
  type EntryPlace,
  type Membership,
  type MessageStore,
  StoreError,
  type StoredEntry,
  type StoreReport,
  type WorkerLease,
} from '../../ports/message-store.ts';
import type { AuditLog } from '../../ports/audit-log.ts';
import type { WorkerLeases } from '../../ports/worker-leases.ts';
import type { Devices } from '../../ports/devices.ts';
import type { PageCache } from '../../ports/directory.ts';
import type { Outbox } from '../../ports/outbox.ts';
import { Check } from './check.ts';
import { Commits } from './commits.ts';
import { raiseCursors } from './cursors.ts';
import { Database } from './database.ts';
import { MySqlDevices } from './devices.ts';
import { heldWorkers, Leases } from './leases.ts';
import { heads, load } from './load.ts';
import { memberships } from './memberships.ts';
import { MySqlMeters } from './meters.ts';
import { MySqlOutbox } from './outbox.ts';
import { Reads } from './reads.ts';
import { prepareSchema, type StoreIdentity } from './schema.ts';
import { readEpoch, renewEpoch } from './store-epoch.ts';
import { PacketThread } from './packet-thread.ts';
import { MySqlAuditLog } from './mysql-audit-log.ts';
import { Names, Seals } from './seals.ts';
import { SharedPages } from './shared-pages.ts';
import type { MySqlConfig } from './server.ts';

export interface MySqlStoreOptions {
  readonly config: MySqlConfig;
  /** One seals, all open. Every key that was ever used on this database is needed. */
  readonly masterKeys: readonly MasterKey[];
  /** The name under which this run holds its worker lease; asked at each commit, 1 to 256 bytes. See Outbox. */
  readonly incarnation: () => string;
  /** Whether each commit leaves a row in the outbox. Only where somebody reads and deletes them. */
  readonly outbox: boolean;
  /** Refuses a database that may lose, at a crash, what it has called committed. */
  readonly requireDurable: boolean;
  /** Rejects where the database holds no store yet, instead of making one. */
  readonly mustExist?: boolean;
  /** Where nodes share pages of history; undefined: every page is read from the database. */
  readonly pages?: PageCache | undefined;
  readonly log: Logger;
  /** From 0 to below 1: spreads what is tried again. */
  readonly random: () => number;
  readonly failpoints?: Failpoints | undefined;
}

const itemsAtMost = 1_000;

/** Connects, brings the tables up to date, and proves the keys. Rejects with a StoreError that says in words why it can't. */
export async function openMySqlStore(options: MySqlStoreOptions): Promise<MySqlStore> {
  const keys = new KeyRing(options.masterKeys);
  const database = await Database.open(options);
  try {
    const session = await database.openSession('schema');
    try {
      const identity = await prepareSchema(session, keys, { mustExist: options.mustExist === true });
      const { mariaDb, galera, binlog } = database.traits;
      options.log.info('the database is open', {
        'event.action': 'store-opened',
        'parley.store.mariadb': mariaDb,
        'parley.store.galera': galera,
        'parley.store.binlog': binlog,
      });
      return new MySqlStore(options, database, keys, identity);
    } finally {
      session.end();
    }
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The MessageStore on MySQL or MariaDB. Any number of processes may have the same database open. */
export class MySqlStore implements MessageStore, AsyncDisposable {
  readonly clientKeySecret: Uint8Array;
  readonly meters: MySqlMeters;
  readonly outbox: Outbox;
  readonly audit: AuditLog;
  readonly workers: WorkerLeases;
  readonly devices: Devices;
  readonly #database: Database;
  readonly #keys: KeyRing;
  readonly #names = new Names();
  readonly #thread: PacketThread;
  readonly #commits: Commits;
  readonly #reads: Reads;
  readonly #leases: Leases;
  #epoch: string;

  constructor(options: MySqlStoreOptions, database: Database, keys: KeyRing, identity: StoreIdentity) {
    this.#epoch = identity.epoch;
    this.clientKeySecret = identity.clientKeySecret;
    this.meters = new MySqlMeters(database);
    this.outbox = new MySqlOutbox(database);
    this.audit = new MySqlAuditLog(database);
    this.workers = { list: () => heldWorkers(database) };
    this.devices = new MySqlDevices(database, keys);
    this.#database = database;
    this.#keys = keys;
    this.#thread = new PacketThread(options.masterKeys, options.log);
    const seals = new Seals(keys);
    const names = this.#names;
    const { pages: cache, log } = options;
    const pages = cache && new SharedPages({ cache, epoch: () => this.#epoch, log });
    this.meters.unsoundPages = () => pages?.unsound ?? 0;
    this.#reads = new Reads({ database, seals, names, pages });
    this.#leases = new Leases(database);
    this.#commits = new Commits({
      database,
      seals,
      names,
      thread: this.#thread,
      epoch: () => this.#epoch,
      incarnation: options.incarnation,
      outbox: options.outbox,
      random: options.random,
      meters: this.meters,
      failpoints: options.failpoints,
    });
  }

  get epoch(): string {
    return this.#epoch;
  }

  commit(batch: CommitBatch): Promise<readonly CommitOutcome[]> {
    return this.#commits.commit(batch);
  }

  async load(convIds: readonly ConvId[]): Promise<readonly (ConversationSnapshot | undefined)[]> {
    assertBounded('conversations', convIds.length, 0);
    return load(this.#database, this.#names, convIds);
  }

  async heads(convIds: readonly ConvId[]): Promise<readonly (HeadSnapshot | undefined)[]> {
    assertBounded('conversations', convIds.length, 0);
    return heads(this.#database, convIds);
  }

  async range(
    convNo: ConvNo,
    from: Seq,
    to: Seq,
    limit: number,
    backward: boolean,
    asOf?: Seq,
  ): Promise<readonly StoredEntry[]> {
    assertBounded('entries', limit, 1);
    return this.#reads.range(convNo, from, to, limit, backward, asOf);
  }

  async findClientKeys(convNo: ConvNo, keys: readonly ClientKey[]): Promise<readonly Duplicate[]> {
    assertBounded('client keys', keys.length, 0);
    return this.#reads.findClientKeys(convNo, keys);
  }

  locate(msgId: MsgId): Promise<EntryPlace | undefined> {
    return this.#reads.locate(msgId);
  }

  async memberships(
    userId: UserId,
    after: ConvId | undefined,
    limit: number,
  ): Promise<readonly Membership[]> {
    assertBounded('memberships', limit, 1);
    return memberships(this.#database, userId, after, limit);
  }

  cursors(convNo: ConvNo, users: readonly UserId[] | undefined): Promise<readonly CursorRow[]> {
    return this.#reads.cursors(convNo, users);
  }

  raiseCursors(rows: readonly CursorRow[]): Promise<void> {
    return raiseCursors(this.#database, this.#epoch, rows);
  }

  leaseWorker(holder: string, nowMs: number, untilMs: number): Promise<WorkerLease> {
    return this.#leases.lease(holder, nowMs, untilMs);
  }

  readEpoch(): Promise<string> {
    return readEpoch(this.#database);
  }

  adoptEpoch(epoch: string): void {
    this.#epoch = epoch;
    this.#names.clear();
  }

  renewEpoch(from: string): Promise<string> {
    return renewEpoch(this.#database, from);
  }

  check(onProgress: (entries: number) => void = () => undefined): Promise<StoreReport> {
    return Check.run(this.#database, this.#keys, onProgress);
  }

  async close(): Promise<void> {
    await this.#database.close();
    await this.#thread.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function assertBounded(what: string, count: number, least: number): void {
  if (!Number.isInteger(count) || count < least || count > itemsAtMost)
    throw new StoreError('rejected', `${count} ${what} at once: ${least} to ${itemsAtMost} are allowed`);
}
