import type { ConvId, UserId } from '../../core/ids.ts';
import { noSettings } from '../../ports/devices.ts';
import type { UserRow } from '../../ports/store-archive.ts';
import {
  decodeDeviceRow,
  decodePushSettings,
  decodeSilence,
  encodeDeviceRow,
  encodePushSettings,
  encodeSilence,
} from './device-codec.ts';
import {
  after,
  deviceKey,
  prefixRange,
  silenceKey,
  type Table,
  table,
  tableRange,
  targetKey,
  userAndRest,
  userPrefix,
} from './keys.ts';
import type { Level, LevelSnapshot } from './level.ts';
import type { LevelBatch } from './schema.ts';

/** What the row of a user in an archive is made of. */
export const userTables: readonly Table[] = [table.device, table.pushSettings, table.silence];

const rowsAtOnce = 64;

/** The users who have anything, in bytewise order after `behind`. */
export async function* userRows(
  level: Level,
  snapshot: LevelSnapshot | undefined,
  behind: UserId | undefined,
): AsyncGenerator<readonly UserRow[]> {
  let page: UserRow[] = [];
  for (let last = behind; ; ) {
    const userId = await nextUser(level, snapshot, last);
    if (userId === undefined) break;
    last = userId;
    const row = await userRow(level, snapshot, userId);
    if (row !== undefined) page.push(row);
    if (page.length < rowsAtOnce) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

async function nextUser(
  level: Level,
  snapshot: LevelSnapshot | undefined,
  last: UserId | undefined,
): Promise<UserId | undefined> {
  let next: Buffer | undefined;
  for (const of of userTables) {
    const { gte, lt } = tableRange(of);
    const from = last === undefined ? gte : after(userPrefix(of, last));
    const [key] = await level.keys({ gte: from, lt, limit: 1, snapshot }).all();
    const user = key?.subarray(1, key.indexOf(0, 1));
    if (user !== undefined && (next === undefined || user.compare(next) < 0)) next = user;
  }
  return next?.toString('utf8') as UserId | undefined;
}

/** Undefined where what stands there is what stands for nothing. */
async function userRow(
  level: Level,
  snapshot: LevelSnapshot | undefined,
  userId: UserId,
): Promise<UserRow | undefined> {
  const rows = (of: Table) => level.iterator({ ...prefixRange(userPrefix(of, userId)), snapshot }).all();
  const devices = (await rows(table.device)).map(([key, value]) => {
    const { hash, sealed, ...device } = decodeDeviceRow(value);
    const { keyId, bytes } = sealed;
    return { deviceId: userAndRest(key).rest, ...device, targetHash: hash, keyId, sealed: bytes };
  });
  const silences = (await rows(table.silence)).map(([key, value]) => ({
    convId: userAndRest(key).rest as ConvId,
    untilMs: decodeSilence(value),
  }));
  const found = level.getSync(userPrefix(table.pushSettings, userId), { snapshot });
  const settings = found === undefined ? noSettings : decodePushSettings(found);
  const wantsNothing = settings.silencedUntilMs === 0 && settings.quietHours === undefined;
  if (devices.length === 0 && silences.length === 0 && wantsNothing) return undefined;
  return { t: 'user', userId, settings, silences, devices };
}

/** Puts a user into an import. */
export function putUser(batch: LevelBatch, { userId, settings, silences, devices }: UserRow): void {
  batch.put(userPrefix(table.pushSettings, userId), encodePushSettings(settings));
  for (const { convId, untilMs } of silences) batch.put(silenceKey(userId, convId), encodeSilence(untilMs));
  for (const { deviceId, targetHash, keyId, sealed, ...device } of devices) {
    const key = deviceKey(userId, deviceId);
    const hash = Buffer.from(targetHash);
    batch.put(key, encodeDeviceRow({ ...device, hash, sealed: { keyId, bytes: sealed } }));
    batch.put(targetKey(hash), key);
  }
}
