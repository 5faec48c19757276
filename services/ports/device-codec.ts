import { createHash } from 'node:crypto';
import { byteString, bytesOf } from '../core/byte-string.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { KeyRing, Sealed } from '../core/seal.ts';
import { type DevicePlatform, devicePlatforms } from './devices.ts';
import type { PushTarget, PushTargetKind } from './push-target.ts';

/** What both stores have of devices. Codes are on disk: append, never change. */

const targetKinds: readonly PushTargetKind[] = ['webpush', 'fcm', 'apns'];

export function platformCode(platform: DevicePlatform): number {
  return devicePlatforms.indexOf(platform);
}

/** Throws RangeError for a code of none. */
export function platformAt(code: number): DevicePlatform {
  return known(devicePlatforms[code], 'platform', code);
}

export function targetKindCode(kind: PushTargetKind): number {
  return targetKinds.indexOf(kind);
}

/** Throws RangeError for a code of none. */
export function targetKindAt(code: number): PushTargetKind {
  return known(targetKinds[code], 'kind of target', code);
}

function known<T>(word: T | undefined, what: string, code: number): T {
  if (word === undefined) throw new RangeError(`there is no ${what} ${code}`);
  return word;
}

/** Bound to the device: a row that is moved to another one does not open. */
export function sealTarget(keys: KeyRing, userId: UserId, deviceId: string, target: PushTarget): Sealed {
  return keys.ofDevice(userId, deviceId).seal(0n, 0, byteString(Buffer.from(JSON.stringify(target))));
}

/** Throws where it was sealed for another device, or with another key. */
export function openTarget(keys: KeyRing, userId: UserId, deviceId: string, sealed: Sealed): PushTarget {
  const opened = keys.ofDevice(userId, deviceId).open(0n, 0, sealed);
  return JSON.parse(bytesOf(opened).toString('utf8')) as PushTarget;
}

export const targetHashBytes = 16;

/** By what a target is known again: 16 bytes. Targets hold enough that is random for it to tell nothing of them. */
export function targetHash(target: PushTarget): Buffer {
  const named =
    target.t === 'webpush' ? target.endpoint : `${target.token}\0${target.t === 'apns' ? target.topic : ''}`;
  return createHash('sha256').update(`${target.t}\0${named}`).digest().subarray(0, targetHashBytes);
}

/** Of which of a device's 128 places a conversation has one. */
export function toldSlot(convId: ConvId): number {
  return (createHash('sha256').update(convId).digest()[0] as number) & 0x7f;
}
