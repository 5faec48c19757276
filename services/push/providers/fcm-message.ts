import type { PushNotice } from '../provider.ts';
import { aps } from './apns-payload.ts';
import { collapseName } from './collapse-name.ts';
import { keptSeconds } from './ttl.ts';

/**
 * A notice as FCM's `message`, without the token. Where content is hidden it is data alone: the app on Android and the
 * service worker wake up and show words of their own; iPhones, which might not, are told some.
 */
export function fcmMessage(notice: PushNotice, hiddenText: string, nowMs: number): object {
  const { id, title, body, badge, collapseKey, data } = notice;
  const hidden = title === undefined && body === undefined;
  const seconds = keptSeconds(notice.ttlSeconds);
  const high = notice.urgency === 'high';
  const { alert, ...others } = aps(notice, hiddenText);
  return {
    // Collapse keys are the app's own names here, so that it can take back what it shows.
    data: { ...data, notice_id: id, badge: String(badge), tag: collapseKey },
    ...(hidden ? {} : { notification: { title, body } }),
    android: {
      collapse_key: collapseName(collapseKey),
      priority: high ? 'HIGH' : 'NORMAL',
      ttl: `${seconds}s`,
      ...(hidden ? {} : { notification: { tag: collapseKey, notification_count: badge } }),
    },
    webpush: {
      headers: { TTL: String(seconds), Urgency: notice.urgency, Topic: collapseName(collapseKey) },
      ...(hidden ? {} : { notification: { tag: collapseKey } }),
    },
    apns: {
      headers: {
        'apns-push-type': 'alert',
        'apns-priority': high ? '10' : '5',
        'apns-expiration': seconds === 0 ? '0' : String(Math.floor(nowMs / 1_000) + seconds),
        'apns-collapse-id': collapseName(collapseKey),
      },
      payload: { aps: hidden ? { ...others, alert } : others },
    },
  };
}
