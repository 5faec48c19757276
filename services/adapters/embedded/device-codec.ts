import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { ConvId, Seq } from '../../core/ids.ts';
import type { Sealed } from '../../core/seal.ts';
import {
  platformAt,
  platformCode,
  targetHashBytes,
  targetKindAt,
  targetKindCode,
} from '../../ports/device-codec.ts';
import type { DeviceListing, PushSettings, QuietHours } from '../../ports/devices.ts';

/** The values of the tables of devices. What is encoded holds until the next row is. */

/** A device as it stands on disk; its key says whose it is. */
export interface DeviceRow extends Omit<DeviceListing, 'deviceId'> {
  /** Of the target, as in its index. */
  readonly hash: Buffer;
  readonly sealed: Sealed;
}

export function encodeDeviceRow(row: DeviceRow): Buffer {
  const out = ByteWriter.row();
  out.u8(platformCode(row.platform));
  out.u8(targetKindCode(row.provider));
  out.text(row.name);
  out.u53(row.registeredAtMs);
  out.u53(row.lastSeenAtMs);
  out.raw(row.hash);
  out.u32(row.sealed.keyId);
  out.raw(row.sealed.bytes);
  return out.view();
}

export function decodeDeviceRow(value: Uint8Array): DeviceRow {
  const reader = new ByteReader(value);
  const platform = platformAt(reader.u8());
  const provider = targetKindAt(reader.u8());
  const name = reader.text();
  const registeredAtMs = reader.u53();
  const lastSeenAtMs = reader.u53();
  const hash = Buffer.from(reader.raw(targetHashBytes));
  const sealed = { keyId: reader.u32(), bytes: reader.rest() };
  return { platform, provider, name, registeredAtMs, lastSeenAtMs, hash, sealed };
}

export function encodePushSettings({ silencedUntilMs, quietHours }: PushSettings): Buffer {
  const out = ByteWriter.row();
  out.u53(silencedUntilMs);
  out.u8(quietHours === undefined ? 0 : 1);
  if (quietHours !== undefined) {
    out.u32(quietHours.fromMinute);
    out.u32(quietHours.toMinute);
    out.text(quietHours.timeZone);
  }
  return out.view();
}

export function decodePushSettings(value: Uint8Array): PushSettings {
  const reader = new ByteReader(value);
  const silencedUntilMs = reader.u53();
  const quietHours: QuietHours | undefined =
    reader.u8() === 0
      ? undefined
      : { fromMinute: reader.u32(), toMinute: reader.u32(), timeZone: reader.text() };
  return { silencedUntilMs, quietHours };
}

export function encodeSilence(untilMs: number): Buffer {
  const out = ByteWriter.row();
  out.u53(untilMs);
  return out.view();
}

export function decodeSilence(value: Uint8Array): number {
  return new ByteReader(value).u53();
}

export function encodeTold(convId: ConvId, seq: Seq): Buffer {
  const out = ByteWriter.row();
  out.u53(seq);
  out.text(convId);
  return out.view();
}

export function decodeTold(value: Uint8Array): { readonly seq: Seq; readonly convId: ConvId } {
  const reader = new ByteReader(value);
  return { seq: reader.u53(), convId: reader.conv() };
}
