import { traceNowMs } from '../core/trace-clock.ts';
import type { CommitBatch, CommitStep } from './message-store.ts';

/** Does a part of a commit, and tells of it where somebody wants to know. */
export async function timed<T>(
  { onStep }: Pick<CommitBatch, 'onStep'>,
  name: CommitStep['name'],
  work: () => Promise<T>,
): Promise<T> {
  if (onStep === undefined) return work();
  const startedAtMs = traceNowMs();
  try {
    return await work();
  } finally {
    onStep({ name, startedAtMs, endedAtMs: traceNowMs() });
  }
}
