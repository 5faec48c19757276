import { toFault } from '../core/fault.ts';
import type { Logger } from '../core/log.ts';
import type { DeadLetter } from '../ports/dead-letters.ts';
import { StoreError } from '../ports/message-store.ts';
import { type Courier, describe } from './courier.ts';
import { pushEndpointPrefix } from './notice-courier.ts';
import type { PushReplay } from './push-replay.ts';

export interface ResendParts {
  /** By the name of their endpoint. */
  readonly couriers: ReadonlyMap<string, Pick<Courier, 'replay'>>;
  /** Undefined: devices aren't pushed to. */
  readonly pushes: Pick<PushReplay, 'replay'> | undefined;
  readonly log: Logger;
}

/** Sends letters again, one attempt each, whatever they are: undefined where it was accepted, else why not. Never rejects. */
export function resendOf({ couriers, pushes, log }: ResendParts) {
  const resend = async (letter: DeadLetter): Promise<string | undefined> => {
    if (pushes !== undefined && isPush(letter)) {
      const { delivered, words } = await pushes.replay(letter);
      return delivered ? undefined : words;
    }
    const answer = await couriers.get(letter.endpoint)?.replay(letter);
    if (answer === undefined) return `no endpoint ${letter.endpoint}`;
    return answer.delivered ? undefined : describe(answer);
  };
  return async (letter: DeadLetter): Promise<string | undefined> => {
    try {
      return await resend(letter);
    } catch (error) {
      log.warn('a dead letter could not be sent again', { 'event.action': 'replay-failed' }, error);
      return error instanceof StoreError ? error.message : toFault(error).message;
    }
  };
}

/** Whether a letter was for a device. */
export function isPush({ endpoint }: DeadLetter): boolean {
  return endpoint.startsWith(pushEndpointPrefix);
}
