import { createHash } from 'node:crypto';
import {
  type CommittedEntry,
  type CommittedEvent,
  CommittedKind,
} from '../../gen/parley/node/v1/event_log_pb.ts';
import { type TraceContext, traceOf } from '../core/trace-context.ts';

/** What a webhook may tell of; docs/webhooks.md describes each. */
export const webhookTypes = [
  'message.created',
  'message.recalled',
  'message.offline',
  'group.created',
  'group.renamed',
  'group.member_added',
  'group.member_removed',
  'group.role_changed',
] as const;
export type WebhookType = (typeof webhookTypes)[number];

/** Something to tell an endpoint. */
export interface Webhook {
  readonly type: WebhookType;
  readonly convId: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Tells the parts of one statement apart; 0 where there is one. */
  readonly part: number;
  readonly occurredAtMs: number;
  readonly data: Readonly<Record<string, string | number | readonly string[]>>;
  /** Of the sampled entries that it tells of; absent where there are none. */
  readonly traces?: readonly TraceContext[] | undefined;
}

const entryTypes: Readonly<Partial<Record<CommittedKind, WebhookType>>> = {
  [CommittedKind.MESSAGE]: 'message.created',
  [CommittedKind.RECALL]: 'message.recalled',
  [CommittedKind.GROUP_CREATED]: 'group.created',
  [CommittedKind.GROUP_RENAMED]: 'group.renamed',
  [CommittedKind.MEMBERS_ADDED]: 'group.member_added',
  [CommittedKind.MEMBER_REMOVED]: 'group.member_removed',
  [CommittedKind.ROLE_CHANGED]: 'group.role_changed',
};

/** What an entry has webhooks tell; undefined for entries of a kind that this version doesn't know. */
export function entryWebhook(event: CommittedEvent, entry: CommittedEntry): Webhook | undefined {
  const type = entryTypes[entry.kind];
  if (type === undefined) return undefined;
  const seq = Number(entry.seq);
  const occurredAtMs = Number(entry.createdAtMs);
  const data = {
    ...where(event),
    seq,
    msg_id: String(entry.msgId),
    sender: entry.sender,
    created_at: isoTime(occurredAtMs),
    ...(entry.users.length > 0 ? { user_ids: entry.users } : {}),
    ...(entry.targetSeq > 0n ? { target_seq: Number(entry.targetSeq) } : {}),
  };
  const { convId } = event;
  const trace = traceOf(entry.trace);
  const webhook = { type, convId, firstSeq: seq, lastSeq: seq, part: 0, occurredAtMs, data };
  return trace === undefined ? webhook : { ...webhook, traces: [trace] };
}

export function where({ convId, direct }: { readonly convId: string; readonly direct: boolean }) {
  return { conv_id: convId, conversation: direct ? 'direct' : 'group' };
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** The body: what it is about, when, and the facts. */
export function webhookBody({ type, occurredAtMs, data }: Webhook): string {
  return JSON.stringify({ type, timestamp: isoTime(occurredAtMs), data });
}

/**
 * The same for the same endpoint, conversation and range, whoever sends it and how often: receivers dedupe by it. The
 * range is whole, also of a digest whose end alone is read again after a crash. By the interval or by its end alone the
 * id would be the same, but of less: where the first one had been given up, what was read again would take its place
 * among the dead letters, or be acknowledged, and the replay of the first one be dropped as a repeat.
 */
export function webhookId(endpoint: string, webhook: Webhook): string {
  const { type, convId, firstSeq, lastSeq, part } = webhook;
  const named = JSON.stringify([endpoint, type, convId, firstSeq, lastSeq, part]);
  return `msg_${createHash('sha256').update(named).digest('base64url').slice(0, 32)}`;
}
