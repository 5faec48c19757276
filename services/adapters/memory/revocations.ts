import type { Clock } from '../../core/clock.ts';
import type { UserId } from '../../core/ids.ts';
import { DirectoryError, type Revocation, type Revocations } from '../../ports/directory.ts';
import { RevocationFile } from './revocation-file.ts';

const devicesAtMost = 256;
const standingAtMost = 100_000;

/** Revocations in this process and, where it has one, in a file that outlives it. */
export class MemoryRevocations implements Revocations {
  readonly pushWithinMs = 1_000;
  readonly #clock: Clock;
  readonly #file: RevocationFile | undefined;
  readonly #byUser = new Map<UserId, Map<string, Revocation>>();
  readonly #listeners = new Set<(revocation: Revocation) => void>();
  #standing = 0;
  #last: Promise<void> = Promise.resolve();

  private constructor(clock: Clock, file: RevocationFile | undefined) {
    this.#clock = clock;
    this.#file = file;
  }

  /** Rejects with a DirectoryError that says what is wrong with the file. Without a file, revocations end with the process. */
  static async open(clock: Clock, file: string | undefined): Promise<MemoryRevocations> {
    if (file === undefined) return new MemoryRevocations(clock, undefined);
    const opened = await RevocationFile.open(file);
    const revocations = new MemoryRevocations(clock, opened.file);
    for (const each of opened.held) {
      const merged = revocations.#merged(each);
      if (merged !== undefined) revocations.#set(merged);
    }
    return revocations;
  }

  revoke(revocation: Revocation): Promise<void> {
    // One after another, as the file wants it.
    const next = this.#last.then(() => this.#revoke(revocation));
    this.#last = next.catch(() => {});
    return next;
  }

  async of(userId: UserId): Promise<readonly Revocation[]> {
    const nowMs = this.#clock.wallMs();
    return [...(this.#byUser.get(userId)?.values() ?? [])].filter(({ endsAtMs }) => endsAtMs > nowMs);
  }

  onRevoked(listener: (revocation: Revocation) => void): () => void {
    const entry = (revocation: Revocation): void => listener(revocation);
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Resolves when what was begun is written. */
  async close(): Promise<void> {
    await this.#last;
  }

  async #revoke(revocation: Revocation): Promise<void> {
    const merged = this.#merged(revocation);
    if (merged === undefined) return;
    if (this.#standing >= standingAtMost) this.#dropEnded();
    if (this.#standing >= standingAtMost) throw new DirectoryError('full', 'too many revocations stand');
    try {
      await this.#file?.append(merged, () => [...this.#all(), merged]);
    } catch (error) {
      throw new DirectoryError('unavailable', 'the revocation could not be written', error);
    }
    this.#set(merged);
    for (const listener of this.#listeners) listener(merged);
  }

  /** What stands after this one is added; undefined where that changes nothing. */
  #merged(revocation: Revocation): Revocation | undefined {
    const nowMs = this.#clock.wallMs();
    if (revocation.endsAtMs <= nowMs) return undefined;
    const own = this.#byUser.get(revocation.userId);
    for (const [deviceId, { endsAtMs }] of own ?? []) if (endsAtMs <= nowMs) this.#drop(own, deviceId);
    const crowded = own !== undefined && own.size >= devicesAtMost && !own.has(revocation.deviceId);
    const deviceId = crowded ? '' : revocation.deviceId;
    const known = own?.get(deviceId);
    const issuedUntilMs = Math.max(known?.issuedUntilMs ?? 0, revocation.issuedUntilMs);
    const endsAtMs = Math.max(known?.endsAtMs ?? 0, revocation.endsAtMs);
    if (known?.issuedUntilMs === issuedUntilMs && known.endsAtMs === endsAtMs) return undefined;
    return { userId: revocation.userId, deviceId, issuedUntilMs, endsAtMs };
  }

  #set(revocation: Revocation): void {
    const { userId, deviceId } = revocation;
    let own = this.#byUser.get(userId);
    if (own === undefined) {
      own = new Map();
      this.#byUser.set(userId, own);
    }
    if (!own.has(deviceId)) this.#standing += 1;
    own.set(deviceId, revocation);
  }

  #drop(own: Map<string, Revocation> | undefined, deviceId: string): void {
    if (own?.delete(deviceId)) this.#standing -= 1;
  }

  #dropEnded(): void {
    const nowMs = this.#clock.wallMs();
    for (const [userId, own] of this.#byUser) {
      for (const [deviceId, { endsAtMs }] of own) if (endsAtMs <= nowMs) this.#drop(own, deviceId);
      if (own.size === 0) this.#byUser.delete(userId);
    }
  }

  *#all(): Iterable<Revocation> {
    for (const own of this.#byUser.values()) yield* own.values();
  }
}
