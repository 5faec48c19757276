import type { ConvId, UserId } from '../../core/ids.ts';
import type {
  DeviceListing,
  Devices,
  NewDevice,
  PushSettings,
  Recipient,
  RemovedOnly,
  Silence,
  Told,
} from '../../ports/devices.ts';
import type { ThreadCalls } from './thread-calls.ts';

/** The devices of the embedded store; their rows are in the store's thread. */
export class EmbeddedDevices implements Devices {
  readonly #calls: ThreadCalls;

  constructor(calls: ThreadCalls) {
    this.#calls = calls;
  }

  register(device: NewDevice, nowMs: number): Promise<DeviceListing> {
    return this.#calls.call('deviceRegister', [device, nowMs]);
  }

  list(userId: UserId): Promise<readonly DeviceListing[]> {
    return this.#calls.call('deviceList', [userId]);
  }

  remove(userId: UserId, deviceId: string, only?: RemovedOnly): Promise<boolean> {
    return this.#calls.call('deviceRemove', [userId, deviceId, only]);
  }

  removeAll(userId: UserId): Promise<void> {
    return this.#calls.call('deviceRemoveAll', [userId]);
  }

  settings(userId: UserId): Promise<PushSettings> {
    return this.#calls.call('pushSettings', [userId]);
  }

  saveSettings(userId: UserId, settings: PushSettings): Promise<void> {
    return this.#calls.call('pushSettingsSave', [userId, settings]);
  }

  silences(userId: UserId, nowMs: number): Promise<readonly Silence[]> {
    return this.#calls.call('silences', [userId, nowMs]);
  }

  silence(userId: UserId, silence: Silence, nowMs: number): Promise<void> {
    return this.#calls.call('silence', [userId, silence, nowMs]);
  }

  recipients(convId: ConvId, users: readonly UserId[]): Promise<readonly Recipient[]> {
    return this.#calls.call('pushRecipients', [convId, users]);
  }

  told(marks: readonly Told[]): Promise<void> {
    return this.#calls.call('pushTold', [marks]);
  }
}
