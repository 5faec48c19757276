import { Fault } from '../core/fault.ts';
import { StoreError } from '../ports/message-store.ts';

/** What a client hears of a store that doesn't work. */
export function storeFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (!(error instanceof StoreError))
    return new Fault('internal', { message: 'internal error', cause: error });
  switch (error.kind) {
    case 'full':
      return new Fault('diskFull', {
        message: 'the disk is full: nothing new is taken',
        retryAfterMs: 1000,
        cause: error,
      });
    case 'epoch':
      return new Fault('epochChanged', { message: 'the store was restored: start over', cause: error });
    default:
      return new Fault('storeUnavailable', {
        message: 'the store is not available',
        retryAfterMs: 500,
        cause: error,
      });
  }
}
