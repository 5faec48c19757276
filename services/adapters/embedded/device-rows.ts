import type { ConvId, Seq, UserId } from '../../core/ids.ts';
import type { KeyRing } from '../../core/seal.ts';
import { openTarget, sealTarget, targetHash, toldSlot } from '../../ports/device-codec.ts';
import {
  assertNamed,
  type DeviceListing,
  maxDevices,
  maxSilences,
  type NewDevice,
  noSettings,
  type PushSettings,
  type Recipient,
  type RemovedOnly,
  type Silence,
  type Told,
} from '../../ports/devices.ts';
import {
  decodeDeviceRow,
  decodePushSettings,
  decodeSilence,
  decodeTold,
  type DeviceRow,
  encodeDeviceRow,
  encodePushSettings,
  encodeSilence,
  encodeTold,
} from './device-codec.ts';
import type { Database } from './database.ts';
import {
  deviceKey,
  prefixRange,
  silenceKey,
  table,
  targetKey,
  toldKey,
  toldPrefix,
  userAndRest,
  userPrefix,
} from './keys.ts';

type Change =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer };

/** Devices in the store's thread; see `Devices`. One that changes something at a time. */
export class DeviceRows {
  readonly #database: Database;
  readonly #keys: KeyRing;

  constructor(database: Database, keys: KeyRing) {
    this.#database = database;
    this.#keys = keys;
  }

  async register(device: NewDevice, nowMs: number): Promise<DeviceListing> {
    const { userId, deviceId, platform, name, target } = device;
    const before = this.#row(userId, deviceId);
    const hash = targetHash(target);
    const changes: Change[] = [];
    if (before !== undefined && !before.hash.equals(hash)) changes.push(del(targetKey(before.hash)));
    const held = this.#database.level.getSync(targetKey(hash));
    const holder = held && userAndRest(held);
    const isOthers = holder !== undefined && (holder.userId !== userId || holder.rest !== deviceId);
    if (isOthers) changes.push(...(await this.#forget(holder.userId, holder.rest)));
    const others = (await this.list(userId)).filter(
      (one) => one.deviceId !== deviceId && (holder?.userId !== userId || one.deviceId !== holder.rest),
    );
    for (const { deviceId: oldest } of others.slice(maxDevices - 1))
      changes.push(...(await this.#forget(userId, oldest)));
    const row: DeviceRow = {
      platform,
      name,
      provider: target.t,
      registeredAtMs: before?.registeredAtMs ?? nowMs,
      lastSeenAtMs: nowMs,
      hash,
      sealed: sealTarget(this.#keys, userId, deviceId, target),
    };
    const key = deviceKey(userId, deviceId);
    // The target leads to the device's key, whoever's it was: behind what is forgotten.
    changes.push(put(key, encodeDeviceRow(row)), put(targetKey(hash), key));
    await this.#write(changes, true);
    return listing(deviceId, row);
  }

  async list(userId: UserId): Promise<DeviceListing[]> {
    const rows = await this.#rowsOf(userId);
    return rows.map(([deviceId, row]) => listing(deviceId, row)).toSorted(lastSeenFirst);
  }

  async remove(userId: UserId, deviceId: string, only: RemovedOnly | undefined): Promise<boolean> {
    const row = this.#row(userId, deviceId);
    if (row === undefined || (only !== undefined && !isStill(row, only))) return false;
    await this.#write(await this.#forget(userId, deviceId), true);
    return true;
  }

  async removeAll(userId: UserId): Promise<void> {
    const changes: Change[] = [];
    for (const [deviceId] of await this.#rowsOf(userId))
      changes.push(...(await this.#forget(userId, deviceId)));
    await this.#write(changes, true);
  }

  async settings(userId: UserId): Promise<PushSettings> {
    return this.#settings(userId);
  }

  async saveSettings(userId: UserId, settings: PushSettings): Promise<void> {
    await this.#write([put(userPrefix(table.pushSettings, userId), encodePushSettings(settings))], true);
  }

  async silences(userId: UserId, nowMs: number): Promise<Silence[]> {
    return (await this.#silencesOf(userId)).filter(({ untilMs }) => untilMs > nowMs);
  }

  async silence(userId: UserId, { convId, untilMs }: Silence, nowMs: number): Promise<void> {
    const all = (await this.#silencesOf(userId)).filter((one) => one.convId !== convId);
    const left = all.filter((one) => one.untilMs > nowMs);
    const room = untilMs > nowMs ? maxSilences - 1 : maxSilences;
    const kept = new Set(left.toSorted((one, other) => other.untilMs - one.untilMs).slice(0, room));
    const changes: Change[] = all
      .filter((one) => !kept.has(one))
      .map((one) => del(silenceKey(userId, one.convId)));
    const key = silenceKey(userId, convId);
    changes.push(untilMs > nowMs ? put(key, encodeSilence(untilMs)) : del(key));
    await this.#write(changes, true);
  }

  async recipients(convId: ConvId, users: readonly UserId[]): Promise<Recipient[]> {
    assertNamed(users.length);
    const slot = toldSlot(convId);
    const recipients: Recipient[] = [];
    for (const userId of users) {
      const rows = await this.#rowsOf(userId);
      if (rows.length === 0) continue;
      const devices = rows.map(([deviceId, row]) => ({
        deviceId,
        platform: row.platform,
        target: openTarget(this.#keys, userId, deviceId, row.sealed),
        registeredAtMs: row.registeredAtMs,
        toldSeq: this.#toldSeq(userId, deviceId, slot, convId),
      }));
      const silence = this.#database.level.getSync(silenceKey(userId, convId));
      recipients.push({
        userId,
        devices,
        settings: this.#settings(userId),
        silencedUntilMs: silence === undefined ? 0 : decodeSilence(silence),
      });
    }
    return recipients;
  }

  /** Not synced: what a power cut takes is told once more. */
  async told(marks: readonly Told[]): Promise<void> {
    assertNamed(marks.length);
    const changes: Change[] = [];
    for (const { userId, deviceId, convId, seq } of marks) {
      const slot = toldSlot(convId);
      if (this.#row(userId, deviceId) === undefined) continue;
      if (this.#toldSeq(userId, deviceId, slot, convId) >= seq) continue;
      changes.push(put(toldKey(userId, deviceId, slot), encodeTold(convId, seq)));
    }
    await this.#write(changes, false);
  }

  #row(userId: UserId, deviceId: string): DeviceRow | undefined {
    const value = this.#database.level.getSync(deviceKey(userId, deviceId));
    return value && decodeDeviceRow(value);
  }

  async #rowsOf(userId: UserId): Promise<(readonly [string, DeviceRow])[]> {
    const found = await this.#database.level.iterator(prefixRange(userPrefix(table.device, userId))).all();
    return found.map(([key, value]) => [userAndRest(key).rest, decodeDeviceRow(value)]);
  }

  #settings(userId: UserId): PushSettings {
    const value = this.#database.level.getSync(userPrefix(table.pushSettings, userId));
    return value === undefined ? noSettings : decodePushSettings(value);
  }

  async #silencesOf(userId: UserId): Promise<Silence[]> {
    const found = await this.#database.level.iterator(prefixRange(userPrefix(table.silence, userId))).all();
    return found.map(([key, value]) => ({
      convId: userAndRest(key).rest as ConvId,
      untilMs: decodeSilence(value),
    }));
  }

  #toldSeq(userId: UserId, deviceId: string, slot: number, convId: ConvId): Seq {
    const value = this.#database.level.getSync(toldKey(userId, deviceId, slot));
    const told = value && decodeTold(value);
    return told?.convId === convId ? told.seq : 0;
  }

  async #forget(userId: UserId, deviceId: string): Promise<Change[]> {
    const row = this.#row(userId, deviceId);
    if (row === undefined) return [];
    const told = await this.#database.level.keys(prefixRange(toldPrefix(userId, deviceId))).all();
    return [deviceKey(userId, deviceId), targetKey(row.hash), ...told].map(del);
  }

  async #write(changes: readonly Change[], sync: boolean): Promise<void> {
    if (changes.length === 0) return;
    this.#database.assertWritable();
    try {
      await this.#database.level.batch([...changes], { sync });
    } catch (cause) {
      throw this.#database.failed(cause);
    }
  }
}

/** The encoding is a view that holds until the next row is encoded. */
function put(key: Buffer, value: Buffer): Change {
  return { type: 'put', key, value: Buffer.from(value) };
}

function del(key: Buffer): Change {
  return { type: 'del', key };
}

function listing(deviceId: string, row: DeviceRow): DeviceListing {
  const { platform, name, provider, registeredAtMs, lastSeenAtMs } = row;
  return { deviceId, platform, name, provider, registeredAtMs, lastSeenAtMs };
}

function isStill(row: DeviceRow, { target, seenUntilMs = Number.POSITIVE_INFINITY }: RemovedOnly): boolean {
  return row.hash.equals(targetHash(target)) && row.lastSeenAtMs <= seenUntilMs;
}

function lastSeenFirst(one: DeviceListing, other: DeviceListing): number {
  return other.lastSeenAtMs - one.lastSeenAtMs;
}
