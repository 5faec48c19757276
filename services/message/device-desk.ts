import { create } from '@bufbuild/protobuf';
import {
  type Device,
  DevicePlatform as WirePlatform,
  DeviceSchema,
  GetPushSettingsResponseSchema,
  ListDevicesResponseSchema,
  type PushSettings as WireSettings,
  PushSettingsSchema,
  type RegisterDeviceRequest,
  RegisterDeviceResponseSchema,
  RemoveDeviceResponseSchema,
  SetPushSettingsResponseSchema,
  SilenceConversationResponseSchema,
} from '../../gen/parley/chat/v1/device_pb.ts';
import { RemoveAllDevicesSchema } from '../../gen/parley/node/v1/owner_link_pb.ts';
import type { Clock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { DeviceRequest, DeviceResponse } from '../peer/edge-frames.ts';
import { pushTargetOf } from '../peer/push-target-wire.ts';
import type { DeviceListing, DevicePlatform, Devices, PushSettings } from '../ports/devices.ts';

export interface DeviceDeskParts {
  /** Undefined where the store keeps none. */
  readonly devices: Devices | undefined;
  readonly clock: Clock;
}

/** Carries out what users ask of their devices; the connection node has checked it. */
export class DeviceDesk {
  readonly #parts: DeviceDeskParts;

  constructor(parts: DeviceDeskParts) {
    this.#parts = parts;
  }

  async answer(userId: UserId, request: DeviceRequest): Promise<DeviceResponse> {
    const { devices, clock } = this.#parts;
    if (devices === undefined) return without(request);
    const nowMs = Math.floor(clock.wallMs());
    switch (request.case) {
      case 'register': {
        const device = wireDevice(await devices.register({ userId, ...deviceOf(request.value) }, nowMs));
        return { case: 'register', value: create(RegisterDeviceResponseSchema, { device }) };
      }
      case 'list': {
        const found = (await devices.list(userId)).map(wireDevice);
        return { case: 'list', value: create(ListDevicesResponseSchema, { devices: found }) };
      }
      case 'remove': {
        const removed = await devices.remove(userId, request.value.deviceId);
        return { case: 'remove', value: create(RemoveDeviceResponseSchema, { removed }) };
      }
      case 'removeAll':
        await devices.removeAll(userId);
        return { case: 'removeAll', value: create(RemoveAllDevicesSchema) };
      case 'getSettings': {
        const [settings, silences] = await Promise.all([
          devices.settings(userId),
          devices.silences(userId, nowMs),
        ]);
        const silenced = silences.map(({ convId, untilMs }) => ({ convId, untilMs: BigInt(untilMs) }));
        const value = create(GetPushSettingsResponseSchema, { settings: wireSettings(settings), silenced });
        return { case: 'getSettings', value };
      }
      case 'setSettings': {
        const settings = settingsOf(request.value.settings);
        await devices.saveSettings(userId, settings);
        const value = create(SetPushSettingsResponseSchema, { settings: wireSettings(settings) });
        return { case: 'setSettings', value };
      }
      case 'silence': {
        const untilMs = Number(request.value.untilMs);
        await devices.silence(userId, { convId: request.value.convId as ConvId, untilMs }, nowMs);
        const now = BigInt(untilMs > nowMs ? untilMs : 0);
        return { case: 'silence', value: create(SilenceConversationResponseSchema, { untilMs: now }) };
      }
    }
  }
}

/** Where none are kept, there is nothing to forget either. */
function without(request: DeviceRequest): DeviceResponse {
  if (request.case === 'removeAll') return { case: 'removeAll', value: create(RemoveAllDevicesSchema) };
  if (request.case === 'remove') return { case: 'remove', value: create(RemoveDeviceResponseSchema) };
  throw new Fault('unknownCommand', { message: 'devices are not kept here' });
}

const platforms: Readonly<Record<DevicePlatform, WirePlatform>> = {
  unspecified: WirePlatform.UNSPECIFIED,
  web: WirePlatform.WEB,
  android: WirePlatform.ANDROID,
  ios: WirePlatform.IOS,
  desktop: WirePlatform.DESKTOP,
};

function platformOf(wire: WirePlatform): DevicePlatform {
  const found = Object.entries(platforms).find(([, code]) => code === wire);
  return (found?.[0] ?? 'unspecified') as DevicePlatform;
}

function deviceOf({ deviceId, platform, name, target }: RegisterDeviceRequest) {
  return { deviceId, platform: platformOf(platform), name, target: pushTargetOf(target) };
}

function wireDevice({ platform, registeredAtMs, lastSeenAtMs, ...device }: DeviceListing): Device {
  return create(DeviceSchema, {
    ...device,
    platform: platforms[platform],
    registeredAtMs: BigInt(registeredAtMs),
    lastSeenAtMs: BigInt(lastSeenAtMs),
  });
}

function settingsOf(wire: WireSettings | undefined): PushSettings {
  const quiet = wire?.quietHours;
  const quietHours = quiet && {
    fromMinute: quiet.fromMinute,
    toMinute: quiet.toMinute,
    timeZone: quiet.timeZone,
  };
  return { silencedUntilMs: Number(wire?.silencedUntilMs ?? 0n), quietHours };
}

function wireSettings({ silencedUntilMs, quietHours }: PushSettings): WireSettings {
  return create(PushSettingsSchema, {
    silencedUntilMs: BigInt(silencedUntilMs),
    ...(quietHours === undefined ? {} : { quietHours }),
  });
}
