import type { ConvId, UserId } from '../../core/ids.ts';
import type { KeyRing } from '../../core/seal.ts';
import {
  openTarget,
  platformAt,
  platformCode,
  sealTarget,
  targetHash,
  targetKindAt,
  targetKindCode,
  toldSlot,
} from '../../ports/device-codec.ts';
import {
  assertNamed,
  type DeviceListing,
  type Devices,
  maxDevices,
  maxSilences,
  type NewDevice,
  noSettings,
  type PushSettings,
  type ReachableDevice,
  type Recipient,
  type RemovedOnly,
  type Silence,
  type Told,
} from '../../ports/devices.ts';
import type { Database } from './database.ts';
import { refusal } from './failure.ts';
import { transact } from './leases.ts';
import { convIdOf, textOf } from './rows.ts';
import type { Row, Session } from './session.ts';
import { assertText, bytes, int, list, text } from './sql.ts';

/** The devices on MySQL; see `Devices`. */
export class MySqlDevices implements Devices {
  readonly #database: Database;
  readonly #keys: KeyRing;

  constructor(database: Database, keys: KeyRing) {
    this.#database = database;
    this.#keys = keys;
  }

  async register(device: NewDevice, nowMs: number): Promise<DeviceListing> {
    const { userId, deviceId, platform, name, target } = device;
    const sealed = sealTarget(this.#keys, userId, deviceId, target);
    const hash = bytes(targetHash(target));
    const which = isDevice(userId, deviceId);
    return this.#transact(async (ask) => {
      const [before, others] = await ask(
        `SELECT registered_at FROM device WHERE ${which} FOR UPDATE`,
        `SELECT user_id, device_id FROM device WHERE target_hash = ${hash} AND NOT (${which}) FOR UPDATE`,
      );
      const registeredAtMs = Number(before?.[0]?.[0] ?? nowMs);
      const values = [
        text(userId),
        text(deviceId),
        int(platformCode(platform)),
        int(targetKindCode(target.t)),
        text(name),
        int(registeredAtMs),
        int(nowMs),
        hash,
        int(sealed.keyId),
        bytes(sealed.bytes),
      ];
      // Any other row with the same target goes by it, too.
      await ask(`REPLACE INTO device VALUES (${values.join(',')})`);
      const [oldest] = await ask(
        `SELECT user_id, device_id FROM device WHERE user_id = ${text(userId)} AND device_id <> ${text(deviceId)}
          ORDER BY last_seen DESC, device_id LIMIT 1000 OFFSET ${maxDevices - 1}`,
      );
      for (const [user, id] of [...(others ?? []), ...(oldest ?? [])])
        await ask(...forget(isDevice(textOf(user), textOf(id))));
      const provider = target.t;
      return { deviceId, platform, name, provider, registeredAtMs, lastSeenAtMs: nowMs };
    });
  }

  async list(userId: UserId): Promise<readonly DeviceListing[]> {
    const [found] = await this.#database.read(
      `SELECT device_id, platform, name, provider, registered_at, last_seen FROM device
        WHERE user_id = ${text(userId)} ORDER BY last_seen DESC, device_id`,
    );
    return (found?.rows ?? []).map(([deviceId, platform, name, provider, registeredAt, lastSeen]) => ({
      deviceId: textOf(deviceId),
      platform: platformAt(Number(platform)),
      name: textOf(name),
      provider: targetKindAt(Number(provider)),
      registeredAtMs: Number(registeredAt),
      lastSeenAtMs: Number(lastSeen),
    }));
  }

  remove(userId: UserId, deviceId: string, only?: RemovedOnly): Promise<boolean> {
    const which = isDevice(userId, deviceId);
    const still = only === undefined ? 'TRUE' : isStill(only);
    return this.#transact(async (ask) => {
      const [found] = await ask(`SELECT 1 FROM device WHERE ${which} AND ${still} FOR UPDATE`);
      if (found?.length !== 1) return false;
      await ask(...forget(which));
      return true;
    });
  }

  async removeAll(userId: UserId): Promise<void> {
    await this.#transact((ask) => ask(...forget(`user_id = ${text(userId)}`)));
  }

  async settings(userId: UserId): Promise<PushSettings> {
    const [found] = await this.#database.read(
      `SELECT ${settingColumns} FROM push_setting WHERE user_id = ${text(userId)}`,
    );
    const [row] = found?.rows ?? [];
    return row === undefined ? noSettings : settingsOf(row);
  }

  async saveSettings(userId: UserId, settings: PushSettings): Promise<void> {
    const values = settingValues(userId, settings);
    await this.#transact((ask) => ask(`REPLACE INTO push_setting VALUES (${values.join(',')})`));
  }

  async silences(userId: UserId, nowMs: number): Promise<readonly Silence[]> {
    const [found] = await this.#database.read(
      `SELECT conv_id, silenced_until FROM conversation_silence
        WHERE user_id = ${text(userId)} AND silenced_until > ${int(nowMs)} ORDER BY conv_id`,
    );
    return (found?.rows ?? []).map(([convId, until]) => ({
      convId: convIdOf(convId),
      untilMs: Number(until),
    }));
  }

  async silence(userId: UserId, { convId, untilMs }: Silence, nowMs: number): Promise<void> {
    const own = `user_id = ${text(userId)}`;
    await this.#transact(async (ask) => {
      const change =
        untilMs > nowMs
          ? `REPLACE INTO conversation_silence VALUES (${text(userId)},${text(convId)},${int(untilMs)})`
          : `DELETE FROM conversation_silence WHERE ${own} AND conv_id = ${text(convId)}`;
      const [, , over] = await ask(
        change,
        `DELETE FROM conversation_silence WHERE ${own} AND silenced_until <= ${int(nowMs)}`,
        `SELECT conv_id FROM conversation_silence WHERE ${own} AND conv_id <> ${text(convId)}
          ORDER BY silenced_until DESC, conv_id LIMIT 1000 OFFSET ${maxSilences - 1}`,
      );
      if (over === undefined || over.length === 0) return;
      const ended = list(over.map(([id]) => text(convIdOf(id))));
      await ask(`DELETE FROM conversation_silence WHERE ${own} AND conv_id IN ${ended}`);
    });
  }

  async recipients(convId: ConvId, users: readonly UserId[]): Promise<readonly Recipient[]> {
    assertNamed(users.length);
    if (users.length === 0) return [];
    const named = `user_id IN ${list(users.map(text))}`;
    const [devices, settings, silences] = await this.#database.read(
      [
        `SELECT d.user_id, d.device_id, d.platform, d.registered_at, d.key_id, d.target, t.seq FROM device d
          LEFT JOIN device_told t ON t.user_id = d.user_id AND t.device_id = d.device_id
            AND t.slot = ${int(toldSlot(convId))} AND t.conv_id = ${text(convId)}
          WHERE d.${named}`,
        `SELECT ${settingColumns}, user_id FROM push_setting WHERE ${named}`,
        `SELECT user_id, silenced_until FROM conversation_silence
          WHERE conv_id = ${text(convId)} AND ${named}`,
      ].join(';'),
    );
    const settingsBy = new Map((settings?.rows ?? []).map((row) => [textOf(row[4]), settingsOf(row)]));
    const silencedBy = new Map((silences?.rows ?? []).map(([user, until]) => [textOf(user), Number(until)]));
    const devicesBy = new Map<UserId, ReachableDevice[]>();
    for (const [user, id, platform, registeredAt, keyId, target, seq] of devices?.rows ?? []) {
      const [userId, deviceId] = [textOf(user) as UserId, textOf(id)];
      const sealed = { keyId: Number(keyId), bytes: target as Buffer };
      const own = devicesBy.get(userId) ?? [];
      devicesBy.set(userId, own);
      own.push({
        deviceId,
        platform: platformAt(Number(platform)),
        target: openTarget(this.#keys, userId, deviceId, sealed),
        registeredAtMs: Number(registeredAt),
        toldSeq: Number(seq ?? 0),
      });
    }
    return [...devicesBy].map(([userId, own]) => ({
      userId,
      devices: own,
      settings: settingsBy.get(userId) ?? noSettings,
      silencedUntilMs: silencedBy.get(userId) ?? 0,
    }));
  }

  async told(marks: readonly Told[]): Promise<void> {
    assertNamed(marks.length);
    if (marks.length === 0) return;
    const rows = marks.toSorted(byKey).map(({ userId, deviceId, convId, seq }) => {
      const names = [userId, deviceId, convId].map((name) => `"${hex(name)}"`);
      return `[${names.join(',')},${int(toldSlot(convId))},${int(seq)}]`;
    });
    // seq first: it looks at conv_id as it was. The join leaves out what is not registered any more.
    const sql = `INSERT INTO device_told (user_id, device_id, slot, conv_id, seq)
      SELECT d.user_id, d.device_id, v.slot, UNHEX(v.conv), v.seq
        FROM JSON_TABLE('[${rows.join(',')}]', '$[*]' COLUMNS (user VARCHAR(512) PATH '$[0]',
          device VARCHAR(512) PATH '$[1]', conv VARCHAR(512) PATH '$[2]', slot TINYINT UNSIGNED PATH '$[3]',
          seq BIGINT UNSIGNED PATH '$[4]')) v
        JOIN device d ON d.user_id = UNHEX(v.user) AND d.device_id = UNHEX(v.device)
      ON DUPLICATE KEY UPDATE
        seq = IF(device_told.conv_id = VALUES(conv_id), GREATEST(device_told.seq, VALUES(seq)), VALUES(seq)),
        conv_id = VALUES(conv_id)`;
    await this.#transact((ask) => ask(sql));
  }

  /** Anew where it came into another one's way: on Galera whatever replicates may. */
  async #transact<T>(
    task: (ask: (...statements: readonly string[]) => Promise<readonly (readonly Row[])[]>) => Promise<T>,
  ): Promise<T> {
    const { readTimeoutMs } = this.#database;
    const asking =
      (session: Session) =>
      async (...statements: readonly string[]) =>
        (await session.query(statements.join(';'), readTimeoutMs)).map(({ rows }) => rows);
    try {
      return await transact(this.#database, this.#database.users, (session) => task(asking(session)));
    } catch (error) {
      throw refusal(error);
    }
  }
}

export const settingColumns = 'silenced_until, quiet_from, quiet_to, quiet_zone';

export function settingValues(userId: UserId, { silencedUntilMs, quietHours }: PushSettings): string[] {
  const quiet =
    quietHours === undefined
      ? ['NULL', 'NULL', 'NULL']
      : [int(quietHours.fromMinute), int(quietHours.toMinute), text(quietHours.timeZone)];
  return [text(userId), int(silencedUntilMs), ...quiet];
}

export function settingsOf([until, from, to, zone]: Row): PushSettings {
  const quietHours =
    zone === null ? undefined : { fromMinute: Number(from), toMinute: Number(to), timeZone: textOf(zone) };
  return { silencedUntilMs: Number(until), quietHours };
}

function isDevice(userId: string, deviceId: string): string {
  return `user_id = ${text(userId)} AND device_id = ${text(deviceId)}`;
}

function isStill({ target, seenUntilMs = Number.MAX_SAFE_INTEGER }: RemovedOnly): string {
  return `target_hash = ${bytes(targetHash(target))} AND last_seen <= ${int(seenUntilMs)}`;
}

/** A device, or those of a user, and what they were told. */
function forget(which: string): string[] {
  return [`DELETE FROM device WHERE ${which}`, `DELETE FROM device_told WHERE ${which}`];
}

function hex(value: string): string {
  assertText(value);
  return Buffer.from(value, 'utf8').toString('hex');
}

function byKey(one: Told, other: Told): number {
  const [left, right] = [one, other].map(({ userId, deviceId }) => `${userId}\0${deviceId}`) as [
    string,
    string,
  ];
  return left < right ? -1 : Number(left > right);
}
