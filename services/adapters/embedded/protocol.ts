import type { HeadSnapshot } from '../../ports/message-store.ts';
import type { ConvId, ConvNo, MsgId, Seq, UserId } from '../../core/ids.ts';
import type {
  CommitStep,
  EntryPlace,
  StoreErrorKind,
  StoreReport,
  WorkerLease,
} from '../../ports/message-store.ts';
import type {
  DeviceListing,
  NewDevice,
  PushSettings,
  Recipient,
  RemovedOnly,
  Silence,
  Told,
} from '../../ports/devices.ts';
import type { AuditPage, AuditRecord, AuditRetention, AuditShelf } from '../../ports/audit-log.ts';
import type { HeldWorker } from '../../ports/worker-leases.ts';
import type { BackupHead } from '../../ports/store-backup.ts';
import type { OutboxAdoption, OutboxRemoval, OutboxRow } from '../../ports/outbox.ts';
import type { ByteWriter } from '../../core/bytes.ts';
import type { StoreEvent } from './events.ts';
import type { MasterKey } from '../../core/seal.ts';

/** What the store's two threads say to each other. Big things travel as one moved buffer, small ones as they are. */

/** What the thread is started with. */
export interface ThreadSetup {
  readonly directory: string;
  readonly masterKeys: readonly MasterKey[];
  /** See Failpoints.parse. */
  readonly failpoints: string;
  readonly sync: boolean;
  readonly traceFd: number | undefined;
  readonly cacheBytes: number;
  readonly reserveBytes: number;
}

/** A buffer that is moved to the other thread, and how much of it counts. */
export interface Packed {
  readonly buffer: ArrayBuffer;
  readonly length: number;
}

export function pack(out: ByteWriter): Packed {
  return { buffer: out.take(), length: out.length };
}

export function unpack(packed: Packed): Uint8Array {
  return new Uint8Array(packed.buffer, 0, packed.length);
}

/** The calls, as they cross: commit-codec.ts and answer-codec.ts know what is packed. */
export interface StoreCalls {
  load(convIds: readonly ConvId[]): Packed;
  heads(convIds: readonly ConvId[]): readonly (HeadSnapshot | undefined)[];
  /** Undefined: everything was committed. */
  /** With an incarnation, its outbox gets a row. `isTraced`: the parts of it are told of before the answer. */
  commit(batch: Packed, incarnation: string | undefined, isTraced: boolean): Packed | undefined;
  range(convNo: ConvNo, from: Seq, to: Seq, limit: number, backward: boolean): Packed;
  findClientKeys(keys: Packed): Packed;
  locate(msgId: MsgId): EntryPlace | undefined;
  memberships(userId: UserId, after: ConvId | undefined, limit: number): Packed;
  cursors(convNo: ConvNo, users: readonly UserId[] | undefined): Packed;
  /** Rows that were read under another epoch are dropped. */
  raiseCursors(rows: Packed, epoch: string): void;
  leaseWorker(holder: string, nowMs: number, untilMs: number): WorkerLease;
  outboxRows(incarnation: string, after: bigint, limit: number): readonly OutboxRow[];
  outboxCount(incarnation: string, limit: number): number;
  outboxRemove(removal: OutboxRemoval): readonly bigint[];
  outboxLapsed(nowMs: number): readonly string[];
  outboxAdopt(adoption: OutboxAdoption): readonly bigint[];
  auditWrite(shelf: AuditShelf, records: readonly AuditRecord[]): void;
  auditPage(page: AuditPage): readonly AuditRecord[];
  auditTrim(shelf: AuditShelf, retention: AuditRetention, nowMs: number): number;
  workers(): readonly HeldWorker[];
  deviceRegister(device: NewDevice, nowMs: number): DeviceListing;
  deviceList(userId: UserId): readonly DeviceListing[];
  deviceRemove(userId: UserId, deviceId: string, only: RemovedOnly | undefined): boolean;
  deviceRemoveAll(userId: UserId): void;
  pushSettings(userId: UserId): PushSettings;
  pushSettingsSave(userId: UserId, settings: PushSettings): void;
  silences(userId: UserId, nowMs: number): readonly Silence[];
  silence(userId: UserId, silence: Silence, nowMs: number): void;
  pushRecipients(convId: ConvId, users: readonly UserId[]): readonly Recipient[];
  pushTold(marks: readonly Told[]): void;
  readEpoch(): string;
  renewEpoch(from: string): string;
  /** One backup at a time; `backupPage` is its next one, undefined behind the last. */
  backupBegin(): BackupHead;
  backupPage(): { readonly rows: number; readonly bytes: Uint8Array<ArrayBuffer> } | undefined;
  backupEnd(): void;
  check(): StoreReport;
  close(): void;
}

export type CallName = keyof StoreCalls;

export interface Call<N extends CallName = CallName> {
  readonly id: number;
  readonly name: N;
  readonly args: Parameters<StoreCalls[N]>;
}

export type Reply =
  | { readonly t: 'started'; readonly epoch: string; readonly clientKeySecret: Uint8Array }
  | { readonly t: 'notStarted'; readonly kind: StoreErrorKind; readonly message: string }
  | { readonly t: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly t: 'refusal'; readonly id: number; readonly kind: StoreErrorKind; readonly message: string }
  /** Of a check: entries walked so far. */
  | { readonly t: 'progress'; readonly id: number; readonly entries: number }
  /** Of a commit. */
  | { readonly t: 'step'; readonly id: number; readonly step: CommitStep }
  | { readonly t: 'event'; readonly event: StoreEvent };
