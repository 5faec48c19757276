import { DeviceLock, type LocksLike } from './device-lock.ts';
import type { QueuedSend } from './pending.ts';
import type { ClientStorage, Stored, StoredConversation } from './storage.ts';

/** How often to look for sends of tabs that are gone. */
const lookEveryMs = 10_000;
/** Without Web Locks, sends of a tab are taken over when the newest has waited for so long. */
const orphanedAfterMs = 60_000;

export interface IndexedDbStorageOptions {
  /** Keeps users of one browser apart: the user's id, or whatever stands for it. */
  readonly name: string;
  readonly indexedDB?: Pick<IDBFactory, 'open'>;
  /** Of the tab: keeps its device id through a reload. */
  readonly sessionStorage?: Pick<Storage, 'getItem' | 'setItem'>;
  /** Default: the browser's, which pages have that are served securely. */
  readonly locks?: LocksLike | undefined;
}

interface PendingRow extends Omit<QueuedSend, 'userId'> {
  readonly deviceId: string;
  /** Rows of earlier versions have none. */
  readonly userId?: string;
}

const stores = { meta: 'meta', conversations: 'conversations', pending: 'pending' } as const;
const ownerKey = 'owner';

/**
 * Opens the storage of a tab. Tabs of one user share the conversations; pending sends belong to one tab each, whose
 * lock says that it lives. A tab that finds another's lock free takes its sends over, with their client ids.
 *
 * Without Web Locks nobody knows who lives. To leave the sends of other tabs alone would keep those of closed ones for ever;
 * so what has waited for a while is taken over all the same. Where its tab lives after all, both send it, each in the same
 * order and under the same client ids: the server takes it once, and whoever is answered removes it for both.
 */
export async function openIndexedDbStorage(options: IndexedDbStorageOptions): Promise<ClientStorage> {
  const lock = await DeviceLock.acquire({
    scope: options.name,
    sessionStorage: options.sessionStorage ?? globalThis.sessionStorage,
    locks: 'locks' in options ? options.locks : globalThis.navigator?.locks,
  });
  try {
    return new IndexedDbStorage(await open(options), lock, () => open(options));
  } catch (error) {
    lock.release();
    throw error;
  }
}

class IndexedDbStorage implements ClientStorage {
  readonly deviceId: string;
  readonly #reopen: () => Promise<IDBDatabase>;
  /** Replaced by a promise of another when the browser has closed it: its data were cleared, or it had slept. */
  #db: Promise<IDBDatabase>;
  readonly #lock: DeviceLock;
  /** Client ids of the sends that this tab knows of, whichever tab they are stored for by now. */
  readonly #known = new Set<string>();
  #adopted: (sends: readonly QueuedSend[]) => void = () => undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(db: IDBDatabase, lock: DeviceLock, reopen: () => Promise<IDBDatabase>) {
    this.#reopen = reopen;
    this.#db = Promise.resolve(this.#opened(db));
    this.#lock = lock;
    this.deviceId = lock.deviceId;
  }

  async load(): Promise<Stored> {
    const transaction = await this.#begin([stores.meta, stores.conversations, stores.pending]);
    const [owner, conversations, pending] = await Promise.all([
      result<{ userId: string; epoch: string } | undefined>(
        transaction.objectStore(stores.meta).get(ownerKey),
      ),
      result<StoredConversation[]>(transaction.objectStore(stores.conversations).getAll()),
      result<PendingRow[]>(transaction.objectStore(stores.pending).index('deviceId').getAll(this.deviceId)),
    ]);
    for (const { clientId } of pending) this.#known.add(clientId);
    return {
      userId: owner?.userId ?? '',
      epoch: owner?.epoch ?? '',
      conversations,
      pending: inOrder(pending),
    };
  }

  async savePending(send: QueuedSend): Promise<void> {
    const row: PendingRow = { ...send, deviceId: this.deviceId };
    this.#known.add(send.clientId);
    await this.#write(stores.pending, (store) => store.put(row));
  }

  async removePending(clientId: string): Promise<void> {
    this.#known.delete(clientId);
    await this.#write(stores.pending, (store) => store.delete(clientId));
  }

  async saveConversations(rows: readonly StoredConversation[]): Promise<void> {
    await this.#write(stores.conversations, (store) => {
      for (const row of rows) store.put(row);
    });
  }

  async reset(owner: { readonly userId: string; readonly epoch: string }): Promise<void> {
    const transaction = await this.#begin([stores.meta, stores.conversations], 'readwrite');
    transaction.objectStore(stores.conversations).clear();
    transaction.objectStore(stores.meta).put({ key: ownerKey, userId: owner.userId, epoch: owner.epoch });
    await done(transaction);
  }

  onAdopted(listener: (sends: readonly QueuedSend[]) => void): void {
    this.#adopted = listener;
    if (this.#timer !== undefined) return;
    const look = (): void => {
      this.#looking = this.#look().catch(() => undefined);
    };
    this.#timer = setInterval(look, lookEveryMs);
    look();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    this.#lock.release();
    (await this.#db.catch(() => undefined))?.close();
  }

  /** Takes over the sends of every tab that is gone, or seems to be. */
  async #look(): Promise<void> {
    const rows = await result<PendingRow[]>(
      (await this.#begin(stores.pending)).objectStore(stores.pending).getAll(),
    );
    const others = Map.groupBy(rows, (row) => row.deviceId);
    others.delete(this.deviceId);
    for (const [deviceId, left] of others) {
      let sends: QueuedSend[] | undefined;
      if (this.#lock.tells) sends = await this.#lock.whileGone(deviceId, () => this.#takeOver(deviceId));
      else if (left.every(isOrphaned)) sends = await this.#takeOver(deviceId);
      if (sends !== undefined && sends.length > 0) this.#adopted(sends);
    }
  }

  async #takeOver(deviceId: string): Promise<QueuedSend[]> {
    const transaction = await this.#begin(stores.pending, 'readwrite');
    const store = transaction.objectStore(stores.pending);
    const left = await result<PendingRow[]>(store.index('deviceId').getAll(deviceId));
    // Two tabs that live would otherwise take them from each other for as long as they can't be sent.
    const rows = left.filter(({ clientId }) => !this.#known.has(clientId));
    for (const row of rows) {
      store.put({ ...row, deviceId: this.deviceId });
      this.#known.add(row.clientId);
    }
    await done(transaction);
    return inOrder(rows);
  }

  /** Begins on a database that was opened anew where the one at hand is closed. */
  async #begin(names: string | string[], mode?: 'readwrite'): Promise<IDBTransaction> {
    const held = this.#db;
    try {
      return (await held).transaction(names, mode);
    } catch {
      if (this.#db === held) this.#db = this.#reopen().then((db) => this.#opened(db));
      return (await this.#db).transaction(names, mode);
    }
  }

  #opened(db: IDBDatabase): IDBDatabase {
    // Another tab wants to change the layout: this one must not stand in its way.
    db.onversionchange = () => db.close();
    return db;
  }

  async #write(name: string, change: (store: IDBObjectStore) => void): Promise<void> {
    const transaction = await this.#begin(name, 'readwrite');
    change(transaction.objectStore(name));
    // Without this, a page that is closed before its requests are answered takes what it wrote with it.
    transaction.commit();
    await done(transaction);
  }
}

function isOrphaned({ createdAtMs }: PendingRow): boolean {
  return Date.now() - createdAtMs >= orphanedAfterMs;
}

function open(options: IndexedDbStorageOptions): Promise<IDBDatabase> {
  const request = (options.indexedDB ?? globalThis.indexedDB).open(`parley:${options.name}`, 1);
  request.onupgradeneeded = () => {
    const db = request.result;
    db.createObjectStore(stores.meta, { keyPath: 'key' });
    db.createObjectStore(stores.conversations, { keyPath: 'convId' });
    db.createObjectStore(stores.pending, { keyPath: 'clientId' }).createIndex('deviceId', 'deviceId');
  };
  return result<IDBDatabase>(request);
}

function inOrder(rows: readonly PendingRow[]): QueuedSend[] {
  return rows
    .map(({ deviceId: _, userId = '', ...send }): QueuedSend => ({ ...send, userId }))
    .sort((one, other) => one.order - other.order);
}

function result<T>(request: IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result as T);
    request.onerror = () => reject(request.error);
  });
}

function done(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}
