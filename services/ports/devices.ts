import type { ConvId, Seq, UserId } from '../core/ids.ts';
import { StoreError } from './message-store.ts';
import type { PushTarget, PushTargetKind } from './push-target.ts';

export const devicePlatforms = ['unspecified', 'web', 'android', 'ios', 'desktop'] as const;
export type DevicePlatform = (typeof devicePlatforms)[number];

/** Devices that a user has, at most: beyond it the one that was seen longest ago goes. */
export const maxDevices = 20;
/** Conversations that a user has silenced, at most: beyond it the silence that ends first goes. */
export const maxSilences = 1_000;
/** Users, or marks, that one call may name. */
export const maxNamed = 1_000;

/** A device on its way in. */
export interface NewDevice {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly platform: DevicePlatform;
  /** For people; at most 100 characters. */
  readonly name: string;
  readonly target: PushTarget;
}

/** A device as its user sees it: the target is a secret. */
export interface DeviceListing {
  readonly deviceId: string;
  readonly platform: DevicePlatform;
  readonly name: string;
  readonly provider: PushTargetKind;
  readonly registeredAtMs: number;
  readonly lastSeenAtMs: number;
}

export interface QuietHours {
  /** In minutes since midnight, 0–1,439. Not before `toMinute`: over midnight; equal: all day. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** Of IANA. */
  readonly timeZone: string;
}

/** When a user wants no pushes at all. */
export interface PushSettings {
  /** Milliseconds since 1970; 0: not silenced. */
  readonly silencedUntilMs: number;
  readonly quietHours: QuietHours | undefined;
}

export interface Silence {
  readonly convId: ConvId;
  readonly untilMs: number;
}

/** A device that may be pushed to, and what it was told already. */
export interface ReachableDevice {
  readonly deviceId: string;
  readonly platform: DevicePlatform;
  readonly target: PushTarget;
  readonly registeredAtMs: number;
  /** Of the conversation asked about: the last entry that the device was told of; 0 where that isn't known. */
  readonly toldSeq: Seq;
}

/** A user who has devices, and what he wants of one conversation. */
export interface Recipient {
  readonly userId: UserId;
  readonly devices: readonly ReachableDevice[];
  readonly settings: PushSettings;
  /** Until when the conversation is silenced for him; 0: it isn't. */
  readonly silencedUntilMs: number;
}

/** A device was told of a conversation up to an entry. */
export interface Told {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly convId: ConvId;
  readonly seq: Seq;
}

/** Of a device that is gone: unless it has come back meanwhile. */
export interface RemovedOnly {
  /** It has still this target. */
  readonly target: PushTarget;
  /** It was not seen after this time; whenever it was, where that is undefined. */
  readonly seenUntilMs?: number | undefined;
}

/** Refuses a call that names more than it may. */
export function assertNamed(count: number): void {
  if (count > maxNamed) throw new StoreError('rejected', `${count} at once: ${maxNamed} are allowed`);
}

export const noSettings: PushSettings = { silencedUntilMs: 0, quietHours: undefined };

/**
 * Where users are pushed to, and when they want none. Every method may reject with a StoreError; a retry of each is
 * harmless. Targets are sealed: nothing is written in clear by which somebody could be pushed to.
 */
export interface Devices {
  /**
   * Registers a device as seen now, durably; what was registered under its id is replaced, what it was told stays. Any
   * other device with the same target, whosever it is, goes: the target is another one's now.
   */
  register(device: NewDevice, nowMs: number): Promise<DeviceListing>;
  /** The user's devices, the one that was seen last first. */
  list(userId: UserId): Promise<readonly DeviceListing[]>;
  /** Forgets a device, and what it was told, while it is as said. Whether it was there. */
  remove(userId: UserId, deviceId: string, only?: RemovedOnly): Promise<boolean>;
  /** Forgets all devices of a user. */
  removeAll(userId: UserId): Promise<void>;
  settings(userId: UserId): Promise<PushSettings>;
  saveSettings(userId: UserId, settings: PushSettings): Promise<void>;
  /** The user's silences that end after `nowMs`, in bytewise order of conv_id. */
  silences(userId: UserId, nowMs: number): Promise<readonly Silence[]>;
  /** Silences a conversation for a user; a time that is not after `nowMs` ends its silence. Ended ones are tidied away. */
  silence(userId: UserId, silence: Silence, nowMs: number): Promise<void>;
  /** Those of the users who have devices, in no particular order. At most `maxNamed` users. */
  recipients(convId: ConvId, users: readonly UserId[]): Promise<readonly Recipient[]>;
  /**
   * Remembers what devices were told, where they are still registered; never goes back. Each device has 128 places, by a
   * hash of the conversation: one that falls into the place of another takes it. At most `maxNamed`; not necessarily
   * durable at once.
   */
  told(marks: readonly Told[]): Promise<void>;
}
