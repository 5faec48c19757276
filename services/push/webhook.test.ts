import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  CommittedEventSchema,
  CommittedEntrySchema,
  CommittedKind,
} from '../../gen/parley/node/v1/event_log_pb.ts';
import { entryWebhook, webhookBody, webhookId } from './webhook.ts';

const entry = create(CommittedEntrySchema, {
  seq: 7n,
  msgId: 9_007_199_254_740_993n,
  kind: CommittedKind.MESSAGE,
  sender: 'ann "a"',
  createdAtMs: 1_700_000_000_123n,
});
const event = create(CommittedEventSchema, { convId: 'g', entries: [entry] });

describe('a webhook', () => {
  it('says what, when and where; ids above 2^53 are texts', () => {
    const webhook = entryWebhook(event, entry);
    assert.ok(webhook);
    assert.deepEqual(JSON.parse(webhookBody(webhook)), {
      type: 'message.created',
      timestamp: '2023-11-14T22:13:20.123Z',
      data: {
        conv_id: 'g',
        conversation: 'group',
        seq: 7,
        msg_id: '9007199254740993',
        sender: 'ann "a"',
        created_at: '2023-11-14T22:13:20.123Z',
      },
    });
  });

  it('is not made of an entry of a kind that nobody knows yet', () => {
    const unknown = create(CommittedEntrySchema, { ...entry, kind: 99 as CommittedKind });
    assert.equal(entryWebhook(event, unknown), undefined);
  });

  it('has an id that is the same each time, and another for all else', () => {
    const webhook = entryWebhook(event, entry);
    assert.ok(webhook);
    const id = webhookId('app', webhook);
    assert.match(id, /^msg_[A-Za-z0-9_-]{32}$/);
    assert.equal(webhookId('app', { ...webhook, occurredAtMs: 1, data: {} }), id);
    const others = [
      webhookId('app2', webhook),
      webhookId('app', { ...webhook, type: 'message.offline' }),
      webhookId('app', { ...webhook, convId: 'h' }),
      webhookId('app', { ...webhook, firstSeq: 6 }),
      webhookId('app', { ...webhook, lastSeq: 8 }),
      webhookId('app', { ...webhook, part: 1 }),
    ];
    assert.equal(new Set([id, ...others]).size, 7);
  });
});
