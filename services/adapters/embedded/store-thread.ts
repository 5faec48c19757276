import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Failpoints } from '../../core/failpoint.ts';
import { type CommitStep, StoreError } from '../../ports/message-store.ts';
import {
  encodeCursors,
  encodeDuplicates,
  encodeEntries,
  encodeMemberships,
  encodeSnapshots,
  decodeClientKeys,
  decodeCursors,
} from './answer-codec.ts';
import { AuditRows } from './audit-rows.ts';
import { Check } from './check.ts';
import { decodeCommit, encodeOutcomes } from '../../ports/commit-codec.ts';
import { Commits } from './commits.ts';
import { ClientKeyFilter } from './client-keys.ts';
import { Conversations } from './conversations.ts';
import { raiseCursors } from './cursors.ts';
import { Database } from './database.ts';
import { DeviceRows } from './device-rows.ts';
import type { StoreEvent } from './events.ts';
import { assertWhole } from './import-mark.ts';
import { Lane } from './lane.ts';
import { Leases } from './leases.ts';
import { isFull } from './level.ts';
import { LevelBackup } from './level-backup.ts';
import { OutboxRows } from './outbox-rows.ts';
import { type CallName, pack, type Packed, type StoreCalls, type ThreadSetup, unpack } from './protocol.ts';
import { Places } from './places.ts';
import { Reads } from './reads.ts';
import { Reserve } from './reserve.ts';
import { prepareSchema, type StoreIdentity } from './schema.ts';
import { StoreEpoch } from './store-epoch.ts';
import { KeyRing } from '../../core/seal.ts';

type Handlers = {
  readonly [N in CallName]: (
    ...args: Parameters<StoreCalls[N]>
  ) => ReturnType<StoreCalls[N]> | Promise<ReturnType<StoreCalls[N]>>;
};

interface StoreParts {
  readonly database: Database;
  readonly keys: KeyRing;
  readonly identity: StoreIdentity;
  readonly clientKeys: ClientKeyFilter;
  readonly places: Places;
  readonly setup: ThreadSetup;
}

// How long a read waits for a store that is being reopened.
const readWaitMs = 2_000;

// How long the caller of a commit whose write failed waits for the truth, before it hears `unknown`.
const settleWithinMs = 5_000;

/** The subdirectory that holds LevelDB's files. */
export const levelDirectory = 'leveldb';
export const reserveFile = 'reserve';

/** The store as its own thread sees it: the calls of protocol.ts, carried out. */
export class StoreThread implements Handlers {
  readonly identity: StoreIdentity;
  readonly #database: Database;
  readonly #keys: KeyRing;
  readonly #clientKeys: ClientKeyFilter;
  readonly #reads: Reads;
  readonly #commits: Commits;
  readonly #leases: Leases;
  readonly #outbox: OutboxRows;
  readonly #audit: AuditRows;
  readonly #devices: DeviceRows;
  readonly #epoch: StoreEpoch;
  readonly #writes = new Lane();
  #backup: Promise<LevelBackup> | undefined;

  private constructor({ database, keys, identity, clientKeys, places, setup }: StoreParts) {
    const conversations = new Conversations(database, keys);
    this.identity = identity;
    this.#database = database;
    this.#keys = keys;
    this.#clientKeys = clientKeys;
    this.#reads = new Reads(database, conversations);
    this.#leases = new Leases(database);
    this.#outbox = new OutboxRows(database, this.#leases);
    this.#audit = new AuditRows(database);
    this.#devices = new DeviceRows(database, keys);
    this.#epoch = new StoreEpoch(database, identity.epoch);
    this.#commits = new Commits({
      database,
      clientKeys,
      conversations,
      places,
      epoch: this.#epoch,
      failpoints: Failpoints.parse(setup.failpoints),
      sync: setup.sync,
      traceFd: setup.traceFd,
      settleWithinMs,
    });
  }

  static async open(setup: ThreadSetup, onEvent: (event: StoreEvent) => void): Promise<StoreThread> {
    const keys = new KeyRing(setup.masterKeys);
    await mkdir(setup.directory, { recursive: true, mode: 0o700 });
    const database = await Database.open({
      directory: path.join(setup.directory, levelDirectory),
      reserve: new Reserve(path.join(setup.directory, reserveFile), setup.reserveBytes),
      cacheBytes: setup.cacheBytes,
      createIfMissing: true,
      onEvent,
    });
    try {
      assertWhole(database.level);
      const identity = await prepareSchema(database.level, keys);
      const clientKeys = await ClientKeyFilter.begin(database);
      const places = await Places.begin(database);
      return new StoreThread({ database, keys, identity, clientKeys, places, setup });
    } catch (error) {
      await database.close();
      throw isFull(error)
        ? new StoreError('full', `no space left to begin a store in ${setup.directory}`)
        : error;
    }
  }

  /** `onStep` is called where the commit is traced. */
  async commit(
    packed: Packed,
    incarnation: string | undefined,
    isTraced: boolean,
    onStep: (step: CommitStep) => void = () => undefined,
  ) {
    return this.#writes.run(async () => {
      const batch = decodeCommit(unpack(packed));
      const traced = isTraced ? { ...batch, onStep } : batch;
      const outcomes = await this.#commits.commit(traced, incarnation);
      return outcomes.every((outcome) => outcome.t === 'committed')
        ? undefined
        : pack(encodeOutcomes(outcomes));
    });
  }

  async load(...[convIds]: Parameters<StoreCalls['load']>) {
    await this.#database.readable(readWaitMs);
    return pack(encodeSnapshots(await this.#reads.load(convIds)));
  }

  async heads(...[convIds]: Parameters<StoreCalls['heads']>) {
    await this.#database.readable(readWaitMs);
    return this.#reads.heads(convIds);
  }

  async range(...args: Parameters<StoreCalls['range']>) {
    await this.#database.readable(readWaitMs);
    return pack(encodeEntries(await this.#reads.range(...args)));
  }

  async findClientKeys(...[packed]: Parameters<StoreCalls['findClientKeys']>) {
    await this.#database.readable(readWaitMs);
    const { convNo, keys } = decodeClientKeys(unpack(packed));
    return pack(encodeDuplicates(this.#reads.findClientKeys(convNo, keys)));
  }

  async locate(...[msgId]: Parameters<StoreCalls['locate']>) {
    await this.#database.readable(readWaitMs);
    return this.#reads.locate(msgId);
  }

  async memberships(...args: Parameters<StoreCalls['memberships']>) {
    await this.#database.readable(readWaitMs);
    return pack(encodeMemberships(await this.#reads.memberships(...args)));
  }

  async cursors(...args: Parameters<StoreCalls['cursors']>) {
    await this.#database.readable(readWaitMs);
    return pack(encodeCursors(await this.#reads.cursors(...args)));
  }

  async raiseCursors(...[rows, epoch]: Parameters<StoreCalls['raiseCursors']>) {
    return this.#writes.run(async () => {
      if (epoch === this.#epoch.current) await raiseCursors(this.#database, decodeCursors(unpack(rows)));
    });
  }

  async readEpoch() {
    return this.#epoch.current;
  }

  async renewEpoch(...[from]: Parameters<StoreCalls['renewEpoch']>) {
    return this.#writes.run(() => this.#epoch.renew(from));
  }

  async leaseWorker(...args: Parameters<StoreCalls['leaseWorker']>) {
    return this.#writes.run(() => this.#leases.lease(...args));
  }

  async outboxRows(...args: Parameters<StoreCalls['outboxRows']>) {
    await this.#database.readable(readWaitMs);
    return this.#outbox.rows(...args);
  }

  async outboxCount(...args: Parameters<StoreCalls['outboxCount']>) {
    await this.#database.readable(readWaitMs);
    return this.#outbox.count(...args);
  }

  async outboxRemove(...[removal]: Parameters<StoreCalls['outboxRemove']>) {
    return this.#writes.run(() => this.#outbox.remove(removal));
  }

  async outboxLapsed(...[nowMs]: Parameters<StoreCalls['outboxLapsed']>) {
    await this.#database.readable(readWaitMs);
    return this.#outbox.lapsed(nowMs);
  }

  async outboxAdopt(...[adoption]: Parameters<StoreCalls['outboxAdopt']>) {
    return this.#writes.run(() => this.#outbox.adopt(adoption));
  }

  async auditWrite(...args: Parameters<StoreCalls['auditWrite']>) {
    return this.#writes.run(() => this.#audit.write(...args));
  }

  async auditPage(...[page]: Parameters<StoreCalls['auditPage']>) {
    await this.#database.readable(readWaitMs);
    return this.#audit.page(page);
  }

  async auditTrim(...args: Parameters<StoreCalls['auditTrim']>) {
    return this.#writes.run(() => this.#audit.trim(...args));
  }

  async workers() {
    await this.#database.readable(readWaitMs);
    return this.#leases.list();
  }

  async backupBegin() {
    if (this.#backup !== undefined)
      throw new StoreError('unavailable', 'another backup of this store is under way');
    this.#backup = this.#database.readable(readWaitMs).then(() => LevelBackup.begin(this.#database.level));
    try {
      return (await this.#backup).head;
    } catch (error) {
      this.#backup = undefined;
      throw error;
    }
  }

  async backupPage() {
    if (this.#backup === undefined) throw new StoreError('unavailable', 'no backup is under way');
    return (await this.#backup).next();
  }

  async backupEnd() {
    const backup = await this.#backup;
    this.#backup = undefined;
    await backup?.[Symbol.asyncDispose]();
  }

  async deviceRegister(...args: Parameters<StoreCalls['deviceRegister']>) {
    return this.#writes.run(() => this.#devices.register(...args));
  }

  async deviceList(...args: Parameters<StoreCalls['deviceList']>) {
    await this.#database.readable(readWaitMs);
    return this.#devices.list(...args);
  }

  async deviceRemove(...args: Parameters<StoreCalls['deviceRemove']>) {
    return this.#writes.run(() => this.#devices.remove(...args));
  }

  async deviceRemoveAll(...args: Parameters<StoreCalls['deviceRemoveAll']>) {
    return this.#writes.run(() => this.#devices.removeAll(...args));
  }

  async pushSettings(...args: Parameters<StoreCalls['pushSettings']>) {
    await this.#database.readable(readWaitMs);
    return this.#devices.settings(...args);
  }

  async pushSettingsSave(...args: Parameters<StoreCalls['pushSettingsSave']>) {
    return this.#writes.run(() => this.#devices.saveSettings(...args));
  }

  async silences(...args: Parameters<StoreCalls['silences']>) {
    await this.#database.readable(readWaitMs);
    return this.#devices.silences(...args);
  }

  async silence(...args: Parameters<StoreCalls['silence']>) {
    return this.#writes.run(() => this.#devices.silence(...args));
  }

  async pushRecipients(...args: Parameters<StoreCalls['pushRecipients']>) {
    await this.#database.readable(readWaitMs);
    return this.#devices.recipients(...args);
  }

  async pushTold(...args: Parameters<StoreCalls['pushTold']>) {
    return this.#writes.run(() => this.#devices.told(...args));
  }

  async check(onProgress: (entries: number) => void = () => undefined) {
    await this.#database.readable(readWaitMs);
    return Check.run(this.#database.level, this.#keys, onProgress);
  }

  async close(): Promise<void> {
    await this.#clientKeys.stop();
    await this.#writes.run(() => this.#database.close());
  }
}
