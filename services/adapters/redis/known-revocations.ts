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
    const { userId, deviceId } = revocation;
    const others = this.of(userId, nowMs).filter((other) => other.deviceId !== deviceId);
    this.#byUser.delete(userId);
    this.#byUser.set(userId, [revocation, ...others].slice(0, perUserAtMost));
    if (this.#byUser.size <= usersAtMost) return;
    const [first] = this.#byUser.keys();
    if (first !== undefined) this.#byUser.delete(first);
  }

  /** What Redis says of a user is what there is. */
  replace(userId: UserId, revocations: readonly Revocation[]): void {
    if (revocations.length > 0) this.#byUser.set(userId, revocations);
    else this.#byUser.delete(userId);
  }

  of(userId: UserId, nowMs: number): readonly Revocation[] {
    return (this.#byUser.get(userId) ?? []).filter(({ endsAtMs }) => endsAtMs > nowMs);
  }

  all(nowMs: number): readonly Revocation[] {
    return [...this.#byUser.keys()].flatMap((userId) => this.of(userId, nowMs));
  }
}
