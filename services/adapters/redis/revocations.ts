import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { UserId } from '../../core/ids.ts';
import type { Logger } from '../../core/log.ts';
import { Scope } from '../../core/scope.ts';
import { DirectoryError, type Revocation, type Revocations } from '../../ports/directory.ts';
import { malformed } from './events.ts';
import type { Keys } from './keys.ts';
import { KnownRevocations, merged } from './known-revocations.ts';
import type { RedisConnection } from './redis-connection.ts';
import { RevocationReturn } from './revocation-return.ts';
import { loadScript } from './script.ts';
import type { Subscriber } from './subscriber.ts';

const revoke = loadScript('revoke');
const devicesAtMost = 256;
const keptAtMost = 100_000;
const readAtOnce = 1_000;
const fromTheStart = '0-0';

/**
 * Revocations: a hash for each user, for whoever signs in, and a stream that tells all nodes. A node reads the stream
 * from its start on, so it knows what stands while Redis is away. It gives that back to a Redis that was emptied, and to
 * every one that it is connected to anew: after a crash, or where a replica took over, only the last may be missing, and
 * nothing there says so. What either knows counts: a revocation is too easily lost to take its absence for a pardon.
 */
export class RedisRevocations implements Revocations {
  readonly pushWithinMs: number;
  readonly #parts: RedisRevocationsParts;
  readonly #scope = new Scope();
  readonly #known = new KnownRevocations();
  readonly #return: RevocationReturn;
  readonly #listeners = new Set<(revocation: Revocation) => void>();
  #readTo = fromTheStart;
  #generation = -1;
  #born: string | undefined;
  #reading = false;
  #again = false;

  constructor(parts: RedisRevocationsParts) {
    const { subscriber, keys, pollMs, random, log } = parts;
    this.#parts = parts;
    this.#return = new RevocationReturn({ write: (each) => this.#write(each), random, log });
    this.#scope.add(() => this.#return.close());
    // A look that finds Redis frozen takes its time before the next one begins.
    this.pushWithinMs = pollMs + 1_000;
    this.#scope.interval(pollMs, () => void this.#read());
    this.#scope.add(subscriber.on(keys.revokedChannel, () => void this.#read()));
  }

  async revoke(revocation: Revocation): Promise<void> {
    if (await this.#write(revocation))
      await this.#parts.subscriber.publish(this.#parts.keys.revokedChannel, '');
  }

  async of(userId: UserId): Promise<readonly Revocation[]> {
    const { connection, keys, clock } = this.#parts;
    try {
      const held = await connection.run((redis) => redis.hgetall(keys.revoked(userId)));
      const found = Object.entries(held).flatMap(([deviceId, value]) =>
        this.#parsed(userId, deviceId, value),
      );
      // Redis may have been emptied a moment ago, or have had to make room.
      return merged(found, this.#known.of(userId, clock.wallMs()));
    } catch (error) {
      // What was heard before is better than nothing, once something was heard.
      if (!(error instanceof DirectoryError) || this.#born === undefined) throw error;
      return this.#known.of(userId, clock.wallMs());
    }
  }

  onRevoked(listener: (revocation: Revocation) => void): () => void {
    const entry = (revocation: Revocation): void => listener(revocation);
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  close(): void {
    this.#scope.close();
  }

  /** Whether it was news. The hash comes first: who hears of it and looks must find it. */
  async #write({ userId, deviceId, issuedUntilMs, endsAtMs }: Revocation): Promise<boolean> {
    const { connection, keys, clock } = this.#parts;
    const args = [deviceId, issuedUntilMs, endsAtMs, devicesAtMost];
    const stands = await connection.script(revoke, [keys.revoked(userId)], args);
    if (!Array.isArray(stands)) return false;
    const [device = '', issued = '', ends = ''] = stands as string[];
    const fields = ['user', userId, 'device', device, 'issued', issued, 'ends', ends];
    await connection.run((redis) => redis.xadd(keys.revocations, 'MAXLEN', '~', keptAtMost, '*', ...fields));
    // Redis may lose it again before anybody has heard of it from the stream.
    for (const each of this.#parsed(userId, device, `${issued}:${ends}`))
      this.#known.add(each, clock.wallMs());
    return true;
  }

  /** Hears of all that stands already. Never rejects. */
  read(): Promise<void> {
    return this.#read();
  }

  /** Takes what is new in the stream; again, where somebody said so meanwhile. Never rejects. */
  async #read(): Promise<void> {
    this.#again = true;
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (this.#again && !this.#scope.closed) {
        this.#again = false;
        await this.#readNew();
      }
    } catch (error) {
      // Out of reach: the next look comes by itself.
      if (!(error instanceof DirectoryError)) this.#bug(error);
    } finally {
      this.#reading = false;
    }
  }

  async #readNew(): Promise<void> {
    const { connection, keys } = this.#parts;
    const { generation } = connection;
    if (generation !== this.#generation) {
      // Another Redis, or one whose clock differs, may have numbered anew below the last number read.
      this.#readTo = fromTheStart;
      this.#giveBack();
    }
    this.#generation = generation;
    const born = await this.#birth();
    if (this.#born !== undefined && born !== this.#born) this.#giveBack();
    this.#born = born;
    for (;;) {
      const from = `(${this.#readTo}`;
      const entries = await connection.run((redis) =>
        redis.xrange(keys.revocations, from, '+', 'COUNT', readAtOnce),
      );
      for (const [id, fields] of entries) {
        this.#readTo = id;
        this.#take(fields);
      }
      if (entries.length < readAtOnce) return;
    }
  }

  /** What was drawn when this Redis was first seen by one of us. */
  #birth(): Promise<string> {
    const { connection, keys } = this.#parts;
    return connection.run(async (redis) => {
      const known = await redis.get(keys.revocationsBorn);
      if (known !== null) return known;
      await redis.set(keys.revocationsBorn, randomUUID(), 'NX');
      return (await redis.get(keys.revocationsBorn)) ?? '';
    });
  }

  /** Before the stream is read again: what it has lost would be the oldest afterwards. */
  #giveBack(): void {
    this.#return.begin(this.#known.all(this.#parts.clock.wallMs()));
  }

  #take(fields: readonly string[]): void {
    const { clock } = this.#parts;
    const named = new Map<string, string>();
    for (let at = 0; at + 1 < fields.length; at += 2)
      named.set(fields[at] as string, fields[at + 1] as string);
    const value = `${named.get('issued')}:${named.get('ends')}`;
    for (const revocation of this.#parsed(
      (named.get('user') ?? '') as UserId,
      named.get('device') ?? '',
      value,
    )) {
      this.#known.add(revocation, clock.wallMs());
      for (const listener of this.#listeners) {
        try {
          listener(revocation);
        } catch (error) {
          this.#bug(error);
        }
      }
    }
  }

  /** Nothing for a revocation that has ended. */
  #parsed(userId: UserId, deviceId: string, value: string): Revocation[] {
    const match = /^(\d{1,16}):(\d{1,16})$/.exec(value);
    if (match === null || userId === '') {
      malformed(this.#parts, 'a revocation');
      return [];
    }
    const [issuedUntilMs, endsAtMs] = [Number(match[1]), Number(match[2])];
    return endsAtMs > this.#parts.clock.wallMs() ? [{ userId, deviceId, issuedUntilMs, endsAtMs }] : [];
  }

  #bug(error: unknown): void {
    this.#parts.log.error('a revocation could not be taken', { 'event.action': 'internal-error' }, error);
  }
}

export interface RedisRevocationsParts {
  readonly connection: RedisConnection;
  readonly subscriber: Subscriber;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly pollMs: number;
  readonly random: () => number;
  readonly log: Logger;
  readonly meters: RedisConnection['meters'];
}
