import { create } from '@bufbuild/protobuf';
import { type Device, DeviceSchema } from '../../../gen/parley/chat/v1/device_pb.ts';
import type { DeviceActions, PushSettings } from '../../../sdk/types.ts';

/** Devices without a server; `key` is what it has browsers subscribe with. */
export function fakeDevices(key: Uint8Array = new Uint8Array()): DeviceActions {
  const devices = new Map<string, Device>();
  const silenced = new Map<string, number>();
  let settings: PushSettings = { silencedUntilMs: 0, quietHours: undefined };
  return {
    async webPushKey() {
      return key;
    },
    async register({ deviceId = 'this', platform, name = '' }) {
      const device = create(DeviceSchema, { deviceId, platform, name, provider: 'webpush' });
      devices.set(deviceId, device);
      return device;
    },
    async list() {
      return [...devices.values()];
    },
    async remove(deviceId = 'this') {
      return devices.delete(deviceId);
    },
    async settings() {
      return { ...settings, silenced };
    },
    async saveSettings(wanted) {
      settings = wanted;
    },
    async silence(convId, untilMs) {
      if (untilMs === 0) silenced.delete(convId);
      else silenced.set(convId, untilMs);
    },
  };
}
