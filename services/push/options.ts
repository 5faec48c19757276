import { z } from 'zod';
import { option, type OptionTable } from '../core/config.ts';

export const pushOptions = {
  webhooks: option({
    env: 'PARLEY_WEBHOOKS',
    type: z.string(),
    default: '',
    doc: 'JSON file that names the endpoints of webhooks, their secrets and what each wants to hear of (docs/webhooks.md). Empty: no webhooks.',
  }),
  attempts: option({
    env: 'PARLEY_WEBHOOK_ATTEMPTS',
    type: z.int().min(1).max(50),
    default: 8,
    doc: 'How often a webhook is tried before it becomes a dead letter.',
  }),
  firstRetryMs: option({
    env: 'PARLEY_WEBHOOK_FIRST_RETRY_MS',
    type: z.int().min(10),
    default: 1_000,
    doc: 'Wait before the first retry, at most, in milliseconds; it doubles with each.',
  }),
  maxRetryMs: option({
    env: 'PARLEY_WEBHOOK_MAX_RETRY_MS',
    type: z.int().min(10),
    default: 60_000,
    doc: 'Longest wait before a retry, in milliseconds; longer ones that a receiver asks for by Retry-After are cut to it.',
  }),
  timeoutMs: option({
    env: 'PARLEY_WEBHOOK_TIMEOUT_MS',
    type: z.int().min(100).max(120_000),
    default: 15_000,
    doc: 'How long a receiver may take to answer, in milliseconds.',
  }),
  offlineIntervalMs: option({
    env: 'PARLEY_WEBHOOK_OFFLINE_INTERVAL_MS',
    type: z.int().min(100).max(3_600_000),
    default: 5_000,
    doc: 'Messages of a conversation within this time make one `message.offline`, in milliseconds.',
  }),
  deadLetters: option({
    env: 'PARLEY_WEBHOOK_DEAD_LETTERS',
    type: z.int().min(10).max(10_000),
    default: 10_000,
    doc: 'Dead letters kept of each endpoint of webhooks and of each push service, at most; beyond it the oldest of the same one go.',
  }),
  logBytes: option({
    env: 'PARLEY_EVENT_LOG_BYTES',
    type: z.int().min(16 * 1024 * 1024),
    default: 256 * 1024 * 1024,
    doc: 'Disk space of the event log of a single process, which webhooks are fed from: beyond it the oldest events go, delivered or not.',
  }),
} satisfies OptionTable;
