import { z } from 'zod';
import type {
  Device,
  DevicePlatform,
  PushSettings,
  RegisterDeviceRequest,
} from '../../gen/parley/chat/v1/device_pb.ts';
import { timestamp } from './shapes.ts';

/** Devices and push settings as REST has them: times in seconds, quiet hours as `HH:MM`. */

const platformNames = ['unspecified', 'web', 'android', 'ios', 'desktop'] as const;
/** The contract's "for ever", in seconds. */
const endOfTime = Number.MAX_SAFE_INTEGER / 1_000;

export const until = (description: string) => z.number().min(0).max(endOfTime).describe(description);

/** Seconds to the contract's milliseconds. */
export function untilMs(seconds: number): bigint {
  return BigInt(Math.min(Number.MAX_SAFE_INTEGER, Math.round(seconds * 1_000)));
}

export function untilSeconds(ms: bigint): number {
  return Number(ms) / 1_000;
}

export const platform = z.enum(platformNames).describe('What the device runs.');

export function platformCode(name: (typeof platformNames)[number]): DevicePlatform {
  return platformNames.indexOf(name) as DevicePlatform;
}

/** base64url, with or without padding; browsers give it so. */
const bytes = (description: string) =>
  z
    .string()
    .regex(/^[\w-]{1,128}={0,2}$/)
    .describe(description);

export const targetShape = z
  .discriminatedUnion('provider', [
    z.object({
      provider: z.literal('webpush'),
      endpoint: z.string().describe('Of the browser’s PushSubscription.'),
      p256dh: bytes('Its key `p256dh`, base64url.'),
      auth: bytes('Its key `auth`, base64url.'),
    }),
    z.object({ provider: z.literal('fcm'), token: z.string().describe('The registration token.') }),
    z.object({
      provider: z.literal('apns'),
      token: z.string().describe('The device token, hexadecimal.'),
      topic: z.string().optional().describe('The bundle id, where it is not the server’s.'),
      sandbox: z.boolean().optional().describe('The token is of Apple’s sandbox.'),
    }),
  ])
  .describe('Where the device is pushed to.');

export function wireTarget(target: z.output<typeof targetShape>): RegisterDeviceRequest['target'] {
  switch (target.provider) {
    case 'webpush': {
      const { endpoint } = target;
      const [p256dh, auth] = [target.p256dh, target.auth].map((text) => Buffer.from(text, 'base64url'));
      return {
        case: 'webPush',
        value: { $typeName: 'parley.chat.v1.WebPushTarget', endpoint, p256dh: own(p256dh), auth: own(auth) },
      };
    }
    case 'fcm':
      return { case: 'fcm', value: { $typeName: 'parley.chat.v1.FcmTarget', token: target.token } };
    case 'apns': {
      const { token, topic = '', sandbox = false } = target;
      return { case: 'apns', value: { $typeName: 'parley.chat.v1.ApnsTarget', token, topic, sandbox } };
    }
  }
}

function own(bytes: Buffer | undefined): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes ?? []);
}

export const deviceShape = z.object({
  device_id: z.string(),
  platform,
  name: z.string(),
  provider: z.string().describe('By what it is pushed to.'),
  registered_at: timestamp,
  last_seen: timestamp,
});

export function deviceJson(device: Device | undefined): z.input<typeof deviceShape> {
  return {
    device_id: device?.deviceId ?? '',
    platform: platformNames[device?.platform ?? 0] ?? 'unspecified',
    name: device?.name ?? '',
    provider: device?.provider ?? '',
    registered_at: untilSeconds(device?.registeredAtMs ?? 0n),
    last_seen: untilSeconds(device?.lastSeenAtMs ?? 0n),
  };
}

const clock = (description: string) =>
  z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/)
    .describe(description);

export const quietHoursShape = z
  .object({
    from: clock('When they begin, `HH:MM`.'),
    to: clock('When they end; not after `from`: on the next day.'),
    time_zone: z.string().describe('An IANA time zone, like `Europe/Berlin`.'),
  })
  .describe('No pushes at these hours.');

export const settingsShape = z.object({
  silenced_until: until('No pushes until then, in seconds since 1970; 0: not silenced.'),
  quiet_hours: quietHoursShape.nullable(),
});

export function settingsJson(settings: PushSettings | undefined): z.input<typeof settingsShape> {
  const quiet = settings?.quietHours;
  return {
    silenced_until: untilSeconds(settings?.silencedUntilMs ?? 0n),
    quiet_hours:
      quiet === undefined
        ? null
        : { from: hourOf(quiet.fromMinute), to: hourOf(quiet.toMinute), time_zone: quiet.timeZone },
  };
}

function hourOf(minute: number): string {
  return [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':');
}

export function minuteOf(hour: string): number {
  const [hours = 0, minutes = 0] = hour.split(':').map(Number);
  return hours * 60 + minutes;
}
