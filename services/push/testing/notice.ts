import type { PushNotice } from '../provider.ts';

/** A notice as any other, but for what is changed. */
export function testNotice(change: Partial<PushNotice> = {}): PushNotice {
  return {
    id: 'n_0001',
    collapseKey: 'group_123',
    title: 'Ada',
    body: 'Are you there?',
    badge: 3,
    data: { conv_id: 'group_123', seq: '42', kind: 'message' },
    ttlSeconds: 600,
    urgency: 'high',
    ...change,
  };
}
