import { uniqueId } from './unique-id.ts';

/** What is used of `navigator.locks`. */
export interface LocksLike {
  request<T>(
    name: string,
    options: { readonly ifAvailable: true },
    holder: (lock: object | null) => Promise<T>,
  ): Promise<T>;
}

const storageKey = 'parley-device';
/** A tab that reloads may still hold its lock for a moment. */
const attempts = 10;
const attemptEveryMs = 50;

/**
 * A tab's device id, and the Web Lock that it holds under this id for as long as it lives. A duplicated tab finds the
 * lock of its copied id taken and becomes a device of its own. Without Web Locks the id is all there is.
 */
export class DeviceLock {
  readonly deviceId: string;
  readonly release: () => void;
  readonly #scope: string;
  readonly #locks: LocksLike | undefined;

  private constructor(scope: string, locks: LocksLike | undefined, deviceId: string, release: () => void) {
    this.deviceId = deviceId;
    this.release = release;
    this.#scope = scope;
    this.#locks = locks;
  }

  static async acquire(options: {
    scope: string;
    sessionStorage: Pick<Storage, 'getItem' | 'setItem'> | undefined;
    locks: LocksLike | undefined;
  }): Promise<DeviceLock> {
    const { scope, sessionStorage, locks } = options;
    let deviceId = sessionStorage?.getItem(storageKey) ?? uniqueId();
    let release: (() => void) | undefined;
    if (locks !== undefined) {
      for (let attempt = 1; attempt <= attempts && release === undefined; attempt++) {
        release = await hold(locks, lockName(scope, deviceId));
        if (release === undefined) await new Promise((resolve) => setTimeout(resolve, attemptEveryMs));
      }
      if (release === undefined) {
        deviceId = uniqueId();
        release = await hold(locks, lockName(scope, deviceId));
      }
    }
    sessionStorage?.setItem(storageKey, deviceId);
    return new DeviceLock(scope, locks, deviceId, release ?? (() => undefined));
  }

  /** Whether it can be known that a device is gone. */
  get tells(): boolean {
    return this.#locks !== undefined;
  }

  /** Does something while a device is surely gone; undefined when it may live, which nobody knows without Web Locks. */
  async whileGone<T>(deviceId: string, act: () => Promise<T>): Promise<T | undefined> {
    if (this.#locks === undefined) return undefined;
    return this.#locks.request(lockName(this.#scope, deviceId), { ifAvailable: true }, async (lock) =>
      lock === null ? undefined : act(),
    );
  }
}

const lockName = (scope: string, deviceId: string): string => `parley-device:${scope}:${deviceId}`;

/** Takes a lock if it is free; the result lets it go. */
function hold(locks: LocksLike, name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) {
          resolve(undefined);
          return Promise.resolve();
        }
        return new Promise<void>((release) => resolve(release));
      })
      .catch(reject);
  });
}
