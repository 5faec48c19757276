import { Worker } from 'node:worker_threads';
import type { ConvId, ConvNo, MsgId, Seq, UserId } from '../../core/ids.ts';
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
import type { Devices } from '../../ports/devices.ts';
import type { Outbox } from '../../ports/outbox.ts';
import type { Backup, BackupSource } from '../../ports/store-backup.ts';
import {
  decodeCursors,
  decodeDuplicates,
  decodeEntries,
  decodeMemberships,
  decodeSnapshots,
  encodeClientKeys,
  encodeCursors,
} from './answer-codec.ts';
import type { AuditLog } from '../../ports/audit-log.ts';
import type { WorkerLeases } from '../../ports/worker-leases.ts';
import { EmbeddedAuditLog } from './audit-log.ts';
import { decodeOutcomes, encodeCommit } from '../../ports/commit-codec.ts';
import type { StoreLog } from './events.ts';
import type { StoreMeters } from './meters.ts';
import { EmbeddedDevices } from './devices.ts';
import { EmbeddedOutbox } from './outbox.ts';
import { pack, type ThreadSetup, unpack } from './protocol.ts';
import type { MasterKey } from '../../core/seal.ts';
import { ThreadCalls } from './thread-calls.ts';
import { threadFile } from '../../core/thread-file.ts';

export interface EmbeddedStoreOptions {
  /** Made where it isn't there; holds everything, and belongs to one process at a time. */
  readonly directory: string;
  /** One seals, all open. Every key that was ever used here is needed. */
  readonly masterKeys: readonly MasterKey[];
  readonly log?: StoreLog;
  /** Called once when the store's thread has died: nothing works any more, restart the process. */
  readonly onFatal?: (error: Error) => void;
  /**
   * The name under which this run holds its worker lease, asked at each commit, 1 to 255 bytes: each commit then leaves
   * a row in the outbox. Only where somebody reads and removes them.
   */
  readonly incarnation?: (() => string) | undefined;
  /** LevelDB's cache of blocks. */
  readonly cacheBytes?: number;
  /** What is set aside so that a full disk can be survived; see reserve.ts. */
  readonly reserveBytes?: number;
  /** For tests; see Failpoints.parse. */
  readonly failpoints?: string;
  /** For tests: gets a line with batch id and entries before each synced write. */
  readonly traceFd?: number;
  /** For tests that show what is lost without fsync. */
  readonly unsafeNoSync?: boolean;
}

const mebibyte = 1024 * 1024;
const itemsAtMost = 1_000;
const cursorsAtOnce = 512;

/** Opens the store in `directory`. Rejects with a StoreError that says in words why it can't. */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const setup: ThreadSetup = {
    directory: options.directory,
    masterKeys: options.masterKeys,
    failpoints: options.failpoints ?? '',
    sync: options.unsafeNoSync !== true,
    traceFd: options.traceFd,
    cacheBytes: options.cacheBytes ?? 32 * mebibyte,
    reserveBytes: options.reserveBytes ?? 24 * mebibyte,
  };
  const worker = new Worker(threadFile('worker', import.meta.url), { workerData: setup, name: 'store' });
  const calls = new ThreadCalls(worker, options.log, options.onFatal);
  const { epoch, clientKeySecret } = await calls.started;
  return new EmbeddedStore({ calls, epoch, clientKeySecret, incarnation: options.incarnation });
}

interface EmbeddedStoreParts {
  readonly calls: ThreadCalls;
  readonly epoch: string;
  readonly clientKeySecret: Uint8Array;
  readonly incarnation: (() => string) | undefined;
}

/** The MessageStore on LevelDB: everything happens in the store's thread, this is its side on ours. */
export class EmbeddedStore implements MessageStore, BackupSource, AsyncDisposable {
  readonly clientKeySecret: Uint8Array;
  readonly meters: StoreMeters;
  readonly outbox: Outbox;
  readonly audit: AuditLog;
  readonly workers: WorkerLeases;
  readonly devices: Devices;
  readonly #calls: ThreadCalls;
  readonly #incarnation: (() => string) | undefined;
  #epoch: string;

  constructor({ calls, epoch, clientKeySecret, incarnation }: EmbeddedStoreParts) {
    this.#calls = calls;
    this.#incarnation = incarnation;
    this.outbox = new EmbeddedOutbox(calls);
    this.audit = new EmbeddedAuditLog(calls);
    this.workers = { list: () => calls.call('workers', []) };
    this.devices = new EmbeddedDevices(calls);
    this.meters = calls.meters;
    this.#epoch = epoch;
    this.clientKeySecret = clientKeySecret;
  }

  get epoch(): string {
    return this.#epoch;
  }

  async commit(batch: CommitBatch): Promise<readonly CommitOutcome[]> {
    const packed = pack(encoded(() => encodeCommit(batch)));
    const { onStep } = batch;
    const args = [packed, this.#incarnation?.(), onStep !== undefined] as const;
    const answer = await this.#calls.call('commit', [...args], packed, onStep && { onStep });
    return answer === undefined
      ? batch.conversations.map(() => ({ t: 'committed' }))
      : decodeOutcomes(unpack(answer));
  }

  async load(convIds: readonly ConvId[]): Promise<readonly (ConversationSnapshot | undefined)[]> {
    assertBounded('conversations', convIds.length, 0);
    return decodeSnapshots(unpack(await this.#calls.call('load', [convIds])));
  }

  async heads(convIds: readonly ConvId[]): Promise<readonly (HeadSnapshot | undefined)[]> {
    assertBounded('conversations', convIds.length, 0);
    return this.#calls.call('heads', [convIds]);
  }

  async range(
    convNo: ConvNo,
    from: Seq,
    to: Seq,
    limit: number,
    backward: boolean,
  ): Promise<readonly StoredEntry[]> {
    assertBounded('entries', limit, 1);
    return decodeEntries(unpack(await this.#calls.call('range', [convNo, from, to, limit, backward])));
  }

  async findClientKeys(convNo: ConvNo, keys: readonly ClientKey[]): Promise<readonly Duplicate[]> {
    assertBounded('client keys', keys.length, 0);
    const packed = pack(encoded(() => encodeClientKeys(convNo, keys)));
    return decodeDuplicates(unpack(await this.#calls.call('findClientKeys', [packed], packed)));
  }

  locate(msgId: MsgId): Promise<EntryPlace | undefined> {
    return this.#calls.call('locate', [msgId]);
  }

  async memberships(
    userId: UserId,
    after: ConvId | undefined,
    limit: number,
  ): Promise<readonly Membership[]> {
    assertBounded('memberships', limit, 1);
    return decodeMemberships(unpack(await this.#calls.call('memberships', [userId, after, limit])));
  }

  async cursors(convNo: ConvNo, users: readonly UserId[] | undefined): Promise<readonly CursorRow[]> {
    return decodeCursors(unpack(await this.#calls.call('cursors', [convNo, users])));
  }

  async raiseCursors(rows: readonly CursorRow[]): Promise<void> {
    // The rows are of this epoch, whatever comes meanwhile.
    const epoch = this.#epoch;
    // In parts, so that commits get in between.
    for (let at = 0; at < rows.length; at += cursorsAtOnce) {
      const packed = pack(encoded(() => encodeCursors(rows.slice(at, at + cursorsAtOnce))));
      await this.#calls.call('raiseCursors', [packed, epoch], packed);
    }
  }

  leaseWorker(holder: string, nowMs: number, untilMs: number): Promise<WorkerLease> {
    return this.#calls.call('leaseWorker', [holder, nowMs, untilMs]);
  }

  readEpoch(): Promise<string> {
    return this.#calls.call('readEpoch', []);
  }

  adoptEpoch(epoch: string): void {
    this.#epoch = epoch;
  }

  renewEpoch(from: string): Promise<string> {
    return this.#calls.call('renewEpoch', [from]);
  }

  async backup(): Promise<Backup> {
    const head = await this.#calls.call('backupBegin', []);
    return {
      head,
      next: () => this.#calls.call('backupPage', []),
      [Symbol.asyncDispose]: () => this.#calls.call('backupEnd', []).catch(() => undefined),
    };
  }

  check(onProgress?: (entries: number) => void): Promise<StoreReport> {
    return this.#calls.call('check', [], undefined, { onProgress });
  }

  close(): Promise<void> {
    return this.#calls.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function assertBounded(what: string, count: number, least: number): void {
  if (count < least || count > itemsAtMost)
    throw new StoreError('rejected', `${count} ${what} at once: ${least} to ${itemsAtMost} are allowed`);
}

/** What can't even be expressed is refused like everything else that can never be written. */
function encoded<T>(encode: () => T): T {
  try {
    return encode();
  } catch (cause) {
    throw new StoreError('rejected', cause instanceof Error ? cause.message : String(cause), cause);
  }
}
