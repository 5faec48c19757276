import type { UserId } from '../../core/ids.ts';
import { platformAt, platformCode, targetKindAt, targetKindCode } from '../../ports/device-codec.ts';
import { noSettings, type PushSettings, type Silence } from '../../ports/devices.ts';
import type { ArchivedDevice, UserRow } from '../../ports/store-archive.ts';
import { settingColumns, settingsOf, settingValues } from './devices.ts';
import { convIdOf, textOf } from './rows.ts';
import type { Row, Session } from './session.ts';
import { bytes, int, list, text } from './sql.ts';

/** What the row of a user in an archive is made of. */
export const userTables: readonly string[] = ['device', 'push_setting', 'conversation_silence'];

/** Users of a page: one may have a thousand silences. */
const usersAtOnce = 64;
const deviceColumns =
  'user_id, device_id, platform, provider, name, registered_at, last_seen, target_hash, key_id, target';

/** The users who have anything, in bytewise order after `behind`. */
export async function* userRows(
  session: Session,
  behind: UserId | undefined,
  timeoutMs: number,
): AsyncGenerator<readonly UserRow[]> {
  for (let last = behind; ; ) {
    const where = last === undefined ? 'TRUE' : `user_id > ${text(last)}`;
    // Each from its index alone, however many there are.
    const parts = userTables.map(
      (name) => `(SELECT DISTINCT user_id FROM ${name} WHERE ${where} ORDER BY user_id LIMIT ${usersAtOnce})`,
    );
    const [found] = await session.query(
      `SELECT user_id FROM (${parts.join(' UNION ')}) users ORDER BY user_id LIMIT ${usersAtOnce}`,
      timeoutMs,
    );
    const users = (found?.rows ?? []).map(([user]) => textOf(user) as UserId);
    last = users.at(-1);
    if (last === undefined) return;
    const page = await usersOf(session, users, timeoutMs);
    if (page.length > 0) yield page;
  }
}

async function usersOf(session: Session, users: readonly UserId[], timeoutMs: number): Promise<UserRow[]> {
  const named = `user_id IN ${list(users.map(text))}`;
  const [devices, settings, silences] = await session.query(
    [
      `SELECT ${deviceColumns} FROM device WHERE ${named} ORDER BY user_id, device_id`,
      `SELECT ${settingColumns}, user_id FROM push_setting WHERE ${named}`,
      `SELECT user_id, conv_id, silenced_until FROM conversation_silence WHERE ${named} ORDER BY user_id, conv_id`,
    ].join(';'),
    timeoutMs,
  );
  const settingsBy = new Map((settings?.rows ?? []).map((row) => [textOf(row[4]), settingsOf(row)]));
  const devicesBy = grouped(devices?.rows ?? [], deviceOf);
  const silencesBy = grouped(silences?.rows ?? [], silenceOf);
  return users
    .map(
      (userId): UserRow => ({
        t: 'user',
        userId,
        settings: settingsBy.get(userId) ?? noSettings,
        silences: silencesBy.get(userId) ?? [],
        devices: devicesBy.get(userId) ?? [],
      }),
    )
    .filter((row) => row.devices.length > 0 || row.silences.length > 0 || wantsSomething(row.settings));
}

/** Rows that stand for nothing are left out, as in the other store. */
function wantsSomething({ silencedUntilMs, quietHours }: PushSettings): boolean {
  return silencedUntilMs > 0 || quietHours !== undefined;
}

/** By the user in the first column. */
function grouped<T>(rows: readonly Row[], read: (row: Row) => T): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const user = textOf(row[0]);
    const group = groups.get(user);
    if (group === undefined) groups.set(user, [read(row)]);
    else group.push(read(row));
  }
  return groups;
}

function silenceOf([, convId, until]: Row): Silence {
  return { convId: convIdOf(convId), untilMs: Number(until) };
}

function deviceOf([
  ,
  id,
  platform,
  provider,
  name,
  registeredAt,
  lastSeen,
  hash,
  keyId,
  target,
]: Row): ArchivedDevice {
  return {
    deviceId: textOf(id),
    platform: platformAt(Number(platform)),
    provider: targetKindAt(Number(provider)),
    name: textOf(name),
    registeredAtMs: Number(registeredAt),
    lastSeenAtMs: Number(lastSeen),
    targetHash: hash as Buffer,
    keyId: Number(keyId),
    sealed: target as Buffer,
  };
}

/** The statements that write users. */
export function insertUsers(users: readonly UserRow[]): string {
  const devices = users.flatMap(({ userId, devices: own }) =>
    own.map((device) => [
      text(userId),
      text(device.deviceId),
      int(platformCode(device.platform)),
      int(targetKindCode(device.provider)),
      text(device.name),
      int(device.registeredAtMs),
      int(device.lastSeenAtMs),
      bytes(device.targetHash),
      int(device.keyId),
      bytes(device.sealed),
    ]),
  );
  const settings = users.map(({ userId, settings: own }) => settingValues(userId, own));
  const silences = users.flatMap(({ userId, silences: own }) =>
    own.map(({ convId, untilMs }) => [text(userId), text(convId), int(untilMs)]),
  );
  return [
    insert(`device (${deviceColumns})`, devices),
    insert('push_setting', settings),
    insert('conversation_silence', silences),
  ]
    .filter((statement) => statement !== '')
    .join(';');
}

function insert(into: string, rows: readonly (readonly string[])[]): string {
  const values = rows.map((row) => `(${row.join(',')})`);
  return values.length === 0 ? '' : `INSERT INTO ${into} VALUES ${values.join(',')}`;
}
