import { Fault } from '../core/fault.ts';

/** Another node owns the conversation, or will in a moment: who asks again asks that one. */
export function notOwner(): Fault {
  return new Fault('notOwner', { message: 'another node owns this conversation', retryAfterMs: 50 });
}
