import type { ConvId, ConvNo, Seq, UserId } from '../core/ids.ts';
import type { Devices, ReachableDevice, Recipient } from '../ports/devices.ts';
import type { MessageStore, StoredEntry } from '../ports/message-store.ts';

/**
 * What a push rests on, as it is now: while one waits, messages are taken back or read, devices go or change hands, and
 * quiet hours begin.
 */

/** The device, and what its user wants; undefined where it is not registered any more. */
export async function deviceNow(
  devices: Pick<Devices, 'recipients'>,
  {
    userId,
    deviceId,
    convId,
  }: { readonly userId: UserId; readonly deviceId: string; readonly convId: ConvId },
): Promise<{ readonly device: ReachableDevice; readonly recipient: Recipient } | undefined> {
  const [recipient] = await devices.recipients(convId, [userId]);
  const device = recipient?.devices.find((one) => one.deviceId === deviceId);
  return recipient && device && { device, recipient };
}

/** Whether the user has read up to an entry, on whatever device. */
export async function hasRead(
  store: Pick<MessageStore, 'cursors'>,
  convNo: ConvNo,
  userId: UserId,
  seq: Seq,
): Promise<boolean> {
  const [cursor] = await store.cursors(convNo, [userId]);
  return cursor !== undefined && cursor.readSeq >= seq;
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
