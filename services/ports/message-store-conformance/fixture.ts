import type { ConvNo, Seq } from '../../core/ids.ts';
import type { MessageStore } from '../message-store.ts';

/** A store of a test's own, empty at first, opened with `firstKey` alone. */
export interface StoreFixture extends AsyncDisposable {
  /** The store as it is open now. */
  readonly store: MessageStore;
  /** Closes the store and opens it again, with these master keys. When it rejects, nothing is open. */
  reopen(masterKeys?: readonly SampleKey[]): Promise<void>;
  /** Whether these bytes stand anywhere in what the engine has written. */
  holds(bytes: Uint8Array): Promise<boolean>;
  /** Exchanges the sealed contents of two entries behind the store's back. */
  exchangeBodies(convNo: ConvNo, one: Seq, other: Seq): Promise<void>;
}

export type OpenStore = () => Promise<StoreFixture>;

export interface SampleKey {
  readonly id: number;
  readonly key: Uint8Array;
}

export const firstKey: SampleKey = { id: 1, key: Buffer.alloc(32, 'first') };
export const secondKey: SampleKey = { id: 2, key: Buffer.alloc(32, 'second') };
