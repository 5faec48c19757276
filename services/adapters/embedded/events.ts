import type { StoreErrorKind } from '../../ports/message-store.ts';

/** What the store's thread tells of itself. */
export type StoreEvent =
  /** A write failed; LevelDB is closed and reopened, commits are refused meanwhile. */
  | { readonly t: 'writeFailed'; readonly kind: StoreErrorKind; readonly message: string }
  /** Reads work again. */
  | { readonly t: 'reopened' }
  /** Reads work, commits are refused. */
  | { readonly t: 'refusing'; readonly kind: StoreErrorKind; readonly message: string }
  /** Commits work again. */
  | { readonly t: 'recovered' };

/** As much of a logger as the store needs. */
export interface StoreLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export function logEvent(log: StoreLog | undefined, event: StoreEvent): void {
  switch (event.t) {
    case 'writeFailed':
      log?.error(
        { 'event.action': 'store-write-failed', 'error.message': event.message },
        'a write failed: reopening the store',
      );
      return;
    case 'reopened':
      log?.info({ 'event.action': 'store-reopened' }, 'the store is open again');
      return;
    case 'refusing':
      log?.warn(
        { 'event.action': 'store-refusing', 'error.message': event.message },
        'commits are refused, reads go on',
      );
      return;
    case 'recovered':
      log?.info({ 'event.action': 'store-recovered' }, 'commits are accepted again');
      return;
  }
}
