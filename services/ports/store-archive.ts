import type { ConvId, ConvNo, MsgId, Seq, UserId } from '../core/ids.ts';
import type { DeviceListing, PushSettings, Silence } from './devices.ts';
import type {
  ClientKey,
  ConversationKind,
  CursorRow,
  EntryKind,
  GroupRow,
  MemberRow,
} from './message-store.ts';

/** The tables of an archive, in its order: a row stands behind those that it belongs to. */
export const archiveTables = ['conversation', 'group', 'member', 'cursor', 'entry', 'user'] as const;
export type ArchiveTable = (typeof archiveTables)[number];

/**
 * A row as both stores have it, whichever it comes from. Bodies and push targets stay sealed. Each table ascends by
 * conv_no, then by user id (bytewise) or seq; that of users by user id.
 */
export type ArchiveRow =
  | {
      readonly t: 'conversation';
      readonly convNo: ConvNo;
      readonly convId: ConvId;
      readonly kind: ConversationKind;
      /** Of a direct one: two, or one who talks to himself. */
      readonly users: readonly UserId[];
      readonly projectedSeq: Seq;
    }
  | { readonly t: 'group'; readonly convNo: ConvNo; readonly group: GroupRow }
  | { readonly t: 'member'; readonly convNo: ConvNo; readonly member: MemberRow }
  | ({ readonly t: 'cursor' } & CursorRow)
  | {
      readonly t: 'entry';
      readonly convNo: ConvNo;
      readonly seq: Seq;
      readonly msgId: MsgId;
      readonly kind: EntryKind;
      readonly ord: number;
      readonly sender: string;
      readonly createdAtMs: number;
      readonly recalled: boolean;
      readonly revision: number;
      readonly clientKey: ClientKey | undefined;
      readonly keyId: number;
      readonly sealed: Uint8Array;
    }
  | UserRow;

/** What a user has besides conversations, where he has anything. */
export interface UserRow {
  readonly t: 'user';
  readonly userId: UserId;
  readonly settings: PushSettings;
  /** In bytewise order of conv_id. */
  readonly silences: readonly Silence[];
  /** In bytewise order of device_id. What they were told stays behind. */
  readonly devices: readonly ArchivedDevice[];
}

export interface ArchivedDevice extends DeviceListing {
  /** Of the push target: 16 bytes. */
  readonly targetHash: Uint8Array;
  readonly keyId: number;
  readonly sealed: Uint8Array;
}

export type RowOf<T extends ArchiveTable> = Extract<ArchiveRow, { readonly t: T }>;

/** What a store is besides its conversations, and what an import takes over with them. */
export interface StoreRecord {
  /** The source's; what is imported draws its own. */
  readonly epoch: string;
  /** The key of client keys, sealed with a master key. */
  readonly secret: { readonly keyId: number; readonly sealed: Uint8Array };
  /** Proofs of the master keys that ever sealed there; see core/key-proof.ts. */
  readonly proofs: readonly { readonly keyId: number; readonly proof: Uint8Array }[];
  /** Worker numbers that were held, and until when ids may have been drawn with them. */
  readonly leases: readonly {
    readonly worker: number;
    readonly holder: string;
    readonly reservedUntilMs: number;
  }[];
}

/** Rows of a store to which nobody writes meanwhile. */
export interface RowSource {
  /** Rows of a table behind `after`, or from the first on, in pages of at most 1,000 rows. */
  rows(table: ArchiveTable, after: ArchiveRow | undefined): AsyncIterable<readonly ArchiveRow[]>;
  /** About how many rows there are in all, for a progress bar. */
  estimate(): Promise<number>;
}

/**
 * A store that is read whole, in one snapshot, while no server uses it. Opening rejects with a StoreError `unavailable`
 * that says in words why it can't be: no store, another one's keys, a server that runs, an import that is not finished.
 */
export interface StoreSource extends RowSource, AsyncDisposable {
  readonly record: StoreRecord;
  /** Rejects with a StoreError where a server has begun to write since the source was opened. */
  assertAlone(): Promise<void>;
}

/** How far an import is. */
export type ImportState =
  | { readonly t: 'open'; readonly frames: number }
  /** This very archive was imported before, under the epoch given. */
  | { readonly t: 'done'; readonly epoch: string };

/**
 * An empty store that is filled, while no server uses it; none opens it before `finish`. Every method may reject with a
 * StoreError `unavailable`; an import that was cut off anywhere is taken up again by another `begin`.
 */
export interface StoreTarget extends RowSource, AsyncDisposable {
  /**
   * Takes over the record, or goes on with the import of the same archive. Rejects where the store has conversations of
   * its own, and where another archive's import is under way. The caller has proven the master keys.
   */
  begin(archiveId: string, record: StoreRecord): Promise<ImportState>;
  /** Writes the rows of frame number `frame`, counted from 0, and that it has been written, in one transaction. */
  write(frame: number, rows: readonly ArchiveRow[]): Promise<void>;
  /** Draws the epoch, makes everything durable, and lets servers open the store. */
  finish(): Promise<string>;
}
