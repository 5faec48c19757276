/** What a backup says of the store it is of, before its first row. */
export interface BackupHead {
  /** Version of the store's layout: a program that knows an older one does not restore it. */
  readonly layout: number;
  readonly epoch: string;
  /** About how many bytes of rows follow. */
  readonly bytes: number;
}

/** Rows of a store as they stand there, bodies sealed, in a form that only its adapter reads. */
export interface BackupPage {
  readonly rows: number;
  readonly bytes: Uint8Array;
}

/** One snapshot of a whole store, from which pages are taken. To be disposed of, whether all were taken or not. */
export interface Backup extends AsyncDisposable {
  readonly head: BackupHead;
  /** The next rows in their order, 128 KiB or one large row; undefined behind the last. Rejects with a StoreError. */
  next(): Promise<BackupPage | undefined>;
}

/** A store that can be copied while it is written to. */
export interface BackupSource {
  /** Takes a snapshot. Rejects with a StoreError `unavailable` while another backup is under way. */
  backup(): Promise<Backup>;
}

/** A new store that is filled from a backup. Nobody opens it before `finish`. */
export interface BackupTarget extends AsyncDisposable {
  /** Rows in the order of the backup. Rejects with a StoreError where the master keys are not the store's. */
  write(page: BackupPage): Promise<void>;
  /** Draws the epoch, makes everything durable, and puts the store in its place. Resolves with the epoch. */
  finish(): Promise<string>;
}
