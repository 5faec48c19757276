import { DevicePlatform } from '../../../gen/parley/chat/v1/device_pb.ts';
import { ChatError, type DeviceActions } from '../../../sdk/types.ts';
import { isWished, wish } from './push-wish.ts';

/**
 * Whether this browser shows what the server pushes. `unavailable`: the browser or the server can't. `denied`: the user
 * said no to the browser, and can only say so there.
 */
export type NotificationState = 'unavailable' | 'denied' | 'off' | 'on';

const workerPath = '/push-worker.js';

/** As it is; asks nobody for anything. Rejects where the server can't be asked. */
export async function notificationState(devices: DeviceActions): Promise<NotificationState> {
  if (!supported() || (await serverKey(devices)).byteLength === 0) return 'unavailable';
  if (Notification.permission === 'denied') return 'denied';
  return (await subscription()) === null ? 'off' : 'on';
}

/** Asks the user for permission, subscribes and registers. Rejects where the browser or the server refuses. */
export async function turnOn(devices: DeviceActions): Promise<NotificationState> {
  const permission = await Notification.requestPermission();
  if (permission !== 'granted') return permission === 'denied' ? 'denied' : 'off';
  const key = await serverKey(devices);
  if (key.byteLength === 0) return 'unavailable';
  await subscribe(devices, key);
  wish(true);
  return 'on';
}

/**
 * The server forgets this device, whether the browser still knows of a subscription or not, and the browser that. Rejects
 * where the device stays subscribed, or known with nobody to tell the server: of a subscription that has ended it hears
 * from the push service.
 */
export async function turnOff(devices: DeviceActions): Promise<NotificationState> {
  wish(false);
  const subscribed = await subscription();
  const [forgotten, ended] = await Promise.allSettled([devices.remove(), subscribed?.unsubscribe()]);
  if (ended.status === 'rejected') throw ended.reason;
  if (ended.value === undefined && forgotten.status === 'rejected') throw forgotten.reason;
  return 'off';
}

/**
 * The server hears that the device is still there, and by whom it is used; a subscription that the browser has ended is
 * made anew. Rejects where that fails, or the server does not hear.
 */
export async function renew(devices: DeviceActions): Promise<void> {
  if (!supported() || Notification.permission !== 'granted') return;
  const subscribed = await subscription();
  if (subscribed === null && !isWished()) return;
  // It may have been made before wishes were kept.
  wish(true);
  const key = await serverKey(devices);
  if (key.byteLength === 0) return;
  // With another key nobody can push to it any more.
  if (subscribed !== null && isOf(subscribed, key)) await register(devices, subscribed);
  else await subscribe(devices, key);
}

function supported(): boolean {
  return 'serviceWorker' in navigator && 'PushManager' in globalThis && 'Notification' in globalThis;
}

async function subscription(): Promise<PushSubscription | null> {
  if (!supported()) return null;
  const worker = await navigator.serviceWorker.getRegistration(workerPath);
  return (await worker?.pushManager.getSubscription()) ?? null;
}

/** Empty where the server has none, or knows of no devices. Rejects where it can't be asked. */
async function serverKey(devices: DeviceActions): Promise<Uint8Array> {
  try {
    return await devices.webPushKey();
  } catch (error) {
    if (error instanceof ChatError && error.retry === 'never') return new Uint8Array();
    throw error;
  }
}

function isOf({ options }: PushSubscription, key: Uint8Array): boolean {
  const held = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer(0));
  return held.byteLength === key.byteLength && held.every((byte, at) => byte === key[at]);
}

/** To be called with the permission to notify. */
async function subscribe(devices: DeviceActions, key: Uint8Array): Promise<void> {
  const worker = await navigator.serviceWorker.register(workerPath);
  await navigator.serviceWorker.ready;
  const former = await worker.pushManager.getSubscription();
  if (former !== null && !isOf(former, key)) await former.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey: new Uint8Array(key) };
  await register(devices, await worker.pushManager.subscribe(options));
}

async function register(devices: DeviceActions, subscribed: PushSubscription): Promise<void> {
  const [p256dh, auth] = (['p256dh', 'auth'] as const).map(
    (name) => new Uint8Array(subscribed.getKey(name) ?? new ArrayBuffer(0)),
  );
  const value = { $typeName: 'parley.chat.v1.WebPushTarget' as const, endpoint: subscribed.endpoint };
  const target = {
    case: 'webPush' as const,
    value: { ...value, p256dh: p256dh ?? new Uint8Array(), auth: auth ?? new Uint8Array() },
  };
  await devices.register({ target, platform: DevicePlatform.WEB, name: browserName(navigator.userAgent) });
}

/** For a list of devices: what people call their browser. */
export function browserName(userAgent: string): string {
  const browsers = [
    ['Edg/', 'Edge'],
    ['OPR/', 'Opera'],
    ['Firefox/', 'Firefox'],
    ['Chrome/', 'Chrome'],
    ['Safari/', 'Safari'],
  ] as const;
  const systems = [
    ['Android', 'Android'],
    ['iPhone', 'iPhone'],
    ['iPad', 'iPad'],
    ['Windows', 'Windows'],
    ['Mac OS', 'Mac'],
    ['Linux', 'Linux'],
  ] as const;
  const named = (from: readonly (readonly [string, string])[]) =>
    from.find(([mark]) => userAgent.includes(mark))?.[1];
  return [named(browsers) ?? 'A browser', named(systems)].filter(Boolean).join(' on ');
}
