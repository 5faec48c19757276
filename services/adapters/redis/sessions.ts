import { type Repository, RedisOmError } from 'redis-om';
import type { Logger } from '../../core/log.ts';
import type { UserId } from '../../core/ids.ts';
import type { SessionDirectory, SessionKey, SessionRecord } from '../../ports/directory.ts';
import { malformed } from './events.ts';
import type { Keys } from './keys.ts';
import type { RedisConnection } from './redis-connection.ts';
import { loadScript } from './script.ts';
import { type SessionEntity, sessionRepository } from './session-repository.ts';

const renewSession = loadScript('renew-session');
const readAtMost = 1_000;
/** Sessions written side by side: enough to fill the line, few enough to leave room for others. */
const atOnce = 250;

/** Sessions as entities of redis-om, and an index of them for each user; see `keys.ts`. */
export class RedisSessions implements SessionDirectory {
  readonly ttlMs: number;
  readonly #parts: RedisSessionsParts;
  readonly #repository: Repository<SessionEntity>;

  constructor(parts: RedisSessionsParts) {
    const { connection, keys, sessionTtlMs } = parts;
    this.#parts = parts;
    this.ttlMs = sessionTtlMs;
    this.#repository = sessionRepository({ connection, schema: keys.sessionSchema, ttlMs: sessionTtlMs });
  }

  put(sessions: readonly SessionRecord[]): Promise<void> {
    return inTurns(sessions, (session) => this.#put(session));
  }

  remove(sessions: readonly SessionKey[]): Promise<void> {
    const { connection, keys } = this.#parts;
    return inTurns(sessions, async (session) => {
      const id = keys.sessionId(session);
      await this.#repository.remove(id);
      await connection.run((redis) => redis.zrem(keys.sessions(session.userId), id));
    });
  }

  async of(userId: UserId): Promise<readonly SessionRecord[]> {
    const ids = await this.#ids(userId);
    const found = await Promise.all(ids.map((id) => this.#fetch(id)));
    return found.flat();
  }

  async count(users: readonly UserId[]): Promise<readonly number[]> {
    const counts: number[] = [];
    await inTurns([...users.entries()], async ([at, userId]) => {
      const ids = await this.#ids(userId);
      const { connection, keys } = this.#parts;
      // Sessions of a node that died stand in the index for a while; their entities are what counts.
      const there = ids.map((id) => keys.session(id));
      counts[at] = there.length === 0 ? 0 : await connection.run((redis) => redis.exists(...there));
    });
    return counts;
  }

  async #put(session: SessionRecord): Promise<void> {
    const { keys } = this.#parts;
    const id = keys.sessionId(session);
    if (await this.#prolong(session, id)) return;
    await this.#repository.save(id, {
      user: session.userId,
      device: session.deviceId,
      node: session.nodeId,
      session: session.session,
      since: session.sinceMs,
    });
    await this.#prolong(session, id);
  }

  async #prolong({ userId }: SessionRecord, id: string): Promise<boolean> {
    const { connection, keys } = this.#parts;
    const touched = [keys.session(id), keys.sessions(userId)];
    return (await connection.script(renewSession, touched, [id, this.ttlMs])) === 1;
  }

  #ids(userId: UserId): Promise<string[]> {
    const { connection, keys } = this.#parts;
    return connection.run((redis) => redis.zrevrange(keys.sessions(userId), 0, readAtMost - 1));
  }

  /** Nothing for a session that has ended. */
  async #fetch(id: string): Promise<SessionRecord[]> {
    try {
      const { user, device, node, session, since } = await this.#repository.fetch(id);
      if (user === undefined) return [];
      if (
        node !== undefined &&
        device !== undefined &&
        Number.isSafeInteger(session) &&
        Number.isFinite(since)
      ) {
        return [{ userId: user as UserId, deviceId: device, nodeId: node, session, sinceMs: since }];
      }
    } catch (error) {
      if (!(error instanceof RedisOmError)) throw error;
    }
    malformed(this.#parts, 'a session');
    return [];
  }
}

async function inTurns<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += atOnce) {
    await Promise.all(items.slice(from, from + atOnce).map(act));
  }
}

export interface RedisSessionsParts {
  readonly connection: RedisConnection;
  readonly keys: Keys;
  readonly sessionTtlMs: number;
  readonly log: Logger;
  readonly meters: RedisConnection['meters'];
}
