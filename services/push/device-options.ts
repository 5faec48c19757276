import { z } from 'zod';
import { type ConfigOf, option, type OptionTable } from '../core/config.ts';

export const devicePushOptions = {
  enabled: option({
    env: 'PARLEY_PUSH',
    type: z.boolean(),
    default: false,
    doc: 'Pushes to devices that have no session, by the push services that are configured (docs/push.md). A single process then keeps an event log. `npm start` sets it.',
  }),
  content: option({
    env: 'PARLEY_PUSH_CONTENT',
    type: z.enum(['hidden', 'shown']),
    default: 'hidden',
    doc: '`shown`: pushes carry the sender and the start of the text, which the providers of phones then see. `hidden`: only that there is something new, and in which conversation.',
  }),
  intervalMs: option({
    env: 'PARLEY_PUSH_INTERVAL_MS',
    type: z.int().min(100).max(600_000),
    default: 2_000,
    doc: 'Messages of a conversation within this time make one push, in milliseconds.',
  }),
  ackMs: option({
    env: 'PARLEY_PUSH_ACK_MS',
    type: z.int().min(500).max(120_000),
    default: 4_000,
    doc: 'How long a device that has a session may take to acknowledge a message before it is pushed to, in milliseconds.',
  }),
  ttlSeconds: option({
    env: 'PARLEY_PUSH_TTL_SECONDS',
    type: z.int().min(60).max(2_419_200),
    default: 86_400,
    doc: 'How long after a message its push is still worth sending, here and by the provider, in seconds.',
  }),
  attempts: option({
    env: 'PARLEY_PUSH_ATTEMPTS',
    type: z.int().min(1).max(50),
    default: 8,
    doc: 'How often a push is tried before it becomes a dead letter.',
  }),
  firstRetryMs: option({
    env: 'PARLEY_PUSH_FIRST_RETRY_MS',
    type: z.int().min(10),
    default: 1_000,
    doc: 'Wait before the first retry, at most, in milliseconds; it doubles with each.',
  }),
  maxRetryMs: option({
    env: 'PARLEY_PUSH_MAX_RETRY_MS',
    type: z.int().min(10),
    default: 60_000,
    doc: 'Longest wait before a retry, in milliseconds. FCM and APNs may ask for longer ones, up to an hour; what hosts of Web Push ask for is cut to it, since they may be anybody’s.',
  }),
} satisfies OptionTable;

export type DevicePushConfig = ConfigOf<{ push: typeof devicePushOptions }>['push'];
