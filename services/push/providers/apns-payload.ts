import { createHash } from 'node:crypto';
import type { PushNotice } from '../provider.ts';

/** The `aps` of a notice; `hiddenText` stands where there is nothing else to show. */
export function aps({ title, body, badge, collapseKey }: PushNotice, hiddenText: string) {
  const alert = title === undefined && body === undefined ? { body: hiddenText } : { title, body };
  return { alert, badge, sound: 'default', 'thread-id': collapseKey, 'mutable-content': 1 };
}

/** What an app is given; its own fields stand beside `aps`. */
export function apnsPayload(notice: PushNotice, hiddenText: string): object {
  return { ...notice.data, notice_id: notice.id, aps: aps(notice, hiddenText) };
}

/** The notice's id as the UUID that APNs takes: of version 8, made of a digest. */
export function apnsId(id: string): string {
  const bytes = createHash('sha256').update(id).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
