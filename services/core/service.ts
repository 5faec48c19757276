export type StopReason = 'signal' | 'failed' | 'test';

/** Whatever runs: created → running → draining → stopped | failed. */
export interface Service {
  readonly name: string;
  /** Becomes ready and resolves; rejects when it can't start. Called once. */
  start(): Promise<void>;
  /** Refuses new work and hands sessions away, within the deadline. */
  drain?(deadlineMs: number): Promise<void>;
  /** Ends at once. Idempotent. */
  stop(reason: StopReason): Promise<void>;
}

/** Starts services in order; stops the started ones in reverse order when one can't start. */
export async function startAll(services: readonly Service[]): Promise<void> {
  const started: Service[] = [];
  for (const service of services) {
    try {
      await service.start();
      started.push(service);
    } catch (error) {
      for (const earlier of started.reverse()) await earlier.stop('failed');
      throw error;
    }
  }
}

/** Drains and stops services in reverse order. */
export async function stopAll(
  services: readonly Service[],
  reason: StopReason,
  drainMs: number,
): Promise<void> {
  const reversed = [...services].reverse();
  if (reason === 'signal') for (const service of reversed) await service.drain?.(drainMs);
  for (const service of reversed) await service.stop(reason);
}
