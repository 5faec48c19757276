import type { DeviceActions } from '../../../sdk/types.ts';

type Silences = ReadonlyMap<string, number>;

/** Asked for once a client; conversations are opened more often than they are muted. */
const known = new WeakMap<DeviceActions, Promise<Map<string, number>>>();

/** Until when conversations are silenced. Rejects where the server can't be asked, or knows of no such thing. */
export function loadSilences(devices: DeviceActions): Promise<Silences> {
  let silences = known.get(devices);
  if (silences === undefined) {
    silences = devices.settings().then(({ silenced }) => new Map(silenced));
    known.set(devices, silences);
    silences.catch(() => known.delete(devices));
  }
  return silences;
}

export function isSilenced(silences: Silences, convId: string, nowMs: number): boolean {
  return (silences.get(convId) ?? 0) > nowMs;
}

/** For ever, or not any more. */
export async function setSilence(devices: DeviceActions, convId: string, silent: boolean): Promise<void> {
  const untilMs = silent ? Number.MAX_SAFE_INTEGER : 0;
  await devices.silence(convId, untilMs);
  (await known.get(devices))?.set(convId, untilMs);
}
