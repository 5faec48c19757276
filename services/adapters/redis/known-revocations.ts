import type { UserId } from '../../core/ids.ts';
import type { Revocation } from '../../ports/directory.ts';

const usersAtMost = 100_000;
const perUserAtMost = 257;

/**
 * Revocations that this process has heard of and that stand, by user: what it goes by while Redis is away, and gives
 * back to a Redis that lost them. The user who was revoked first is forgotten first.
 */
export class KnownRevocations {
  readonly #byUser = new Map<UserId, readonly Revocation[]>();

  add(revocation: Revocation, nowMs: number): void {
    const { userId } = revocation;
    const standing = merged([revocation], this.of(userId, nowMs));
    this.#byUser.delete(userId);
    this.#byUser.set(userId, standing.slice(0, perUserAtMost));
    if (this.#byUser.size <= usersAtMost) return;
    const [first] = this.#byUser.keys();
    if (first !== undefined) this.#byUser.delete(first);
  }

  of(userId: UserId, nowMs: number): readonly Revocation[] {
    return (this.#byUser.get(userId) ?? []).filter(({ endsAtMs }) => endsAtMs > nowMs);
  }

  all(nowMs: number): readonly Revocation[] {
    return [...this.#byUser.keys()].flatMap((userId) => this.of(userId, nowMs));
  }
}

/** Revocations of one user from two sources: of each device's times the later ones. */
export function merged(some: readonly Revocation[], others: readonly Revocation[]): readonly Revocation[] {
  const byDevice = new Map(some.map((each) => [each.deviceId, each]));
  for (const each of others) {
    const known = byDevice.get(each.deviceId) ?? each;
    byDevice.set(each.deviceId, {
      ...each,
      issuedUntilMs: Math.max(known.issuedUntilMs, each.issuedUntilMs),
      endsAtMs: Math.max(known.endsAtMs, each.endsAtMs),
    });
  }
  return [...byDevice.values()];
}
