import type { LocksLike } from '../device-lock.ts';

/** Web Locks as far as they are used: exclusive, and only if available. */
export class FakeLocks implements LocksLike {
  readonly held = new Set<string>();

  async request<T>(
    name: string,
    _options: { readonly ifAvailable: true },
    holder: (lock: object | null) => Promise<T>,
  ): Promise<T> {
    if (this.held.has(name)) return holder(null);
    this.held.add(name);
    try {
      return await holder({});
    } finally {
      this.held.delete(name);
    }
  }
}
