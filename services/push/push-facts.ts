import type { ConvId, ConvNo, Seq, UserId } from '../core/ids.ts';
import type { Devices, ReachableDevice } from '../ports/devices.ts';
import type { MessageStore, StoredEntry } from '../ports/message-store.ts';

/** What a push rests on, as it is now: while one waits, messages are taken back, and devices go or change hands. */

/** The device; undefined where it is not registered any more. */
export async function deviceNow(
  devices: Pick<Devices, 'recipients'>,
  {
    userId,
    deviceId,
    convId,
  }: { readonly userId: UserId; readonly deviceId: string; readonly convId: ConvId },
): Promise<ReachableDevice | undefined> {
  const [recipient] = await devices.recipients(convId, [userId]);
  return recipient?.devices.find((one) => one.deviceId === deviceId);
}

/** The message; undefined where it was taken back, or is not there any more. */
export async function messageNow(
  store: Pick<MessageStore, 'range'>,
  convNo: ConvNo,
  seq: Seq,
): Promise<StoredEntry | undefined> {
  const [entry] = await store.range(convNo, seq, seq, 1, false);
  return entry?.recalled === false ? entry : undefined;
}
