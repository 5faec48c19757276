import type { Fault } from '../core/fault.ts';
import type { Settlement, Submission } from './submission.ts';

/** Told of errors that nobody's command may cause. */
interface BugHost {
  bug(error: unknown): void;
}

/** Settles a submission, whatever its sender does with that. */
export function answer(host: BugHost, submission: Submission, settlement: Settlement): void {
  try {
    submission.settle(settlement);
  } catch (error) {
    host.bug(error);
  }
}

/** Refuses a submission; where that may change, nothing of its session in its conversation passes before it. */
export function refuse(host: BugHost, submission: Submission, fault: Fault): void {
  const { chain, convId } = submission;
  if (fault.spec.retry !== 'never') chain?.refused.refuse(convId, chain.number);
  answer(host, submission, { t: 'refused', fault });
}

export function refuseAll(host: BugHost, submissions: readonly Submission[], fault: Fault): void {
  for (const submission of submissions) refuse(host, submission, fault);
}
