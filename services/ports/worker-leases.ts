/** A worker number that is given out, or was. */
export interface HeldWorker {
  /** 0–1023. */
  readonly worker: number;
  /** The name of the run that has it. */
  readonly holder: string;
  readonly reservedUntilMs: number;
}

/** What a store knows of worker numbers, for those who look; `MessageStore.leaseWorker` gives them out. */
export interface WorkerLeases {
  /** Those that somebody has or had, ascending; at most 1,024. Rejects with a StoreError. */
  list(): Promise<readonly HeldWorker[]>;
}
