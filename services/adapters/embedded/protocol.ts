import type { ConvId, ConvNo, MsgId, Seq, UserId } from '../../core/ids.ts';
import type { EntryPlace, StoreErrorKind, StoreReport, WorkerLease } from '../../ports/message-store.ts';
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
  /** Undefined: everything was committed. */
  /** With an incarnation, its outbox gets a row. */
  commit(batch: Packed, incarnation: string | undefined): Packed | undefined;
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
  readEpoch(): string;
  renewEpoch(from: string): string;
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
  | { readonly t: 'event'; readonly event: StoreEvent };
