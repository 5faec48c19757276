import { type Device, DeviceService } from '../gen/parley/chat/v1/device_pb.ts';
import { ChatError, type DeviceActions } from './types.ts';
import { askBy, type UnaryCall } from './unary-call.ts';

/** The calls about devices and pushes; a repeated one changes nothing. */
export function deviceActions(call: UnaryCall, deviceId: () => string): DeviceActions {
  const { method } = DeviceService;
  const ask = askBy(call);

  return {
    async webPushKey(): Promise<Uint8Array> {
      return (await ask(method.getPushInfo, {})).webPushKey;
    },
    async register({ target, platform, name = '', deviceId: named = deviceId() }): Promise<Device> {
      const { device } = await ask(method.registerDevice, { deviceId: named, platform, name, target });
      if (device === undefined) throw new ChatError('internal', 'the answer names no device', 'here');
      return device;
    },
    async list(): Promise<readonly Device[]> {
      return (await ask(method.listDevices, {})).devices;
    },
    async remove(named = deviceId()): Promise<boolean> {
      return (await ask(method.removeDevice, { deviceId: named })).removed;
    },
    async settings() {
      const { settings, silenced } = await ask(method.getPushSettings, {});
      const quiet = settings?.quietHours;
      return {
        silencedUntilMs: Number(settings?.silencedUntilMs ?? 0n),
        quietHours: quiet && {
          fromMinute: quiet.fromMinute,
          toMinute: quiet.toMinute,
          timeZone: quiet.timeZone,
        },
        silenced: new Map(silenced.map(({ convId, untilMs }) => [convId, Number(untilMs)])),
      };
    },
    async saveSettings({ silencedUntilMs, quietHours }): Promise<void> {
      const settings = {
        silencedUntilMs: BigInt(silencedUntilMs),
        ...(quietHours === undefined ? {} : { quietHours }),
      };
      await ask(method.setPushSettings, { settings });
    },
    async silence(convId, untilMs): Promise<void> {
      await ask(method.silenceConversation, { convId, untilMs: BigInt(untilMs) });
    },
  };
}
