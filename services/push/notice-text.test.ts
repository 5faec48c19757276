import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { type MessageBody, MessageBodySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import { messageContent } from '../codec/frames.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import { noticeId, noticeOf, noticeText } from './notice-text.ts';

function entry(content: MessageBody['content']) {
  const body = toBinary(MessageBodySchema, create(MessageBodySchema, { content }));
  return { sender: 'ann', content: messageContent('c1', body) };
}

const text = (value: string) => entry({ case: 'text', value });
const facts = {
  userId: 'bob' as UserId,
  deviceId: 'phone',
  convId: 'garden' as ConvId,
  direct: false,
  seq: 7,
  badge: 3,
  ttlSeconds: 60,
  text: undefined,
};

describe('what a notice shows', () => {
  it('is sender and text, and of a group its name', () => {
    assert.deepEqual(noticeText(text('hi there'), undefined), { title: 'ann', body: 'hi there' });
    assert.deepEqual(noticeText(text('hi'), 'Garden'), { title: 'Garden', body: 'ann: hi' });
  });

  it('is the start of a long text, in one line, cut between characters', () => {
    const { body } = noticeText(text(`a\n\n b${'😀'.repeat(300)}`), undefined);
    assert.equal([...body].length, 200);
    assert.match(body, /^a b😀+…$/u);
    assert.ok(body.isWellFormed());
  });

  it('is no more than that there is something where it is no text', () => {
    const data = entry({ case: 'data', value: Uint8Array.of(1, 2) });
    assert.deepEqual(noticeText(data, undefined), { title: 'ann', body: 'New message' });
  });
});

describe('a notice', () => {
  it('says nothing of a message unless it is given', () => {
    const notice = noticeOf(facts);
    assert.deepEqual(Object.keys(notice).toSorted(), [
      'badge',
      'collapseKey',
      'data',
      'id',
      'ttlSeconds',
      'urgency',
    ]);
    assert.deepEqual(notice.data, {
      kind: 'message',
      conv_id: 'garden',
      seq: '7',
      conversation: 'group',
    });
  });

  it('has an id that any provider takes, of the device and the message', () => {
    const ids = [
      facts,
      { ...facts, seq: 8 },
      { ...facts, deviceId: 'tablet' },
      { ...facts, userId: 'cyd' as UserId },
      { ...facts, convId: 'd_x' as ConvId },
    ].map(noticeId);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.match(id, /^[\w-]{1,64}$/);
    assert.equal(noticeOf({ ...facts, badge: 9 }).id, ids[0]);
  });

  it('has one collapse key a conversation, short enough for any provider', () => {
    const { collapseKey } = noticeOf(facts);
    assert.match(collapseKey, /^[\w-]{32}$/);
    assert.equal(noticeOf({ ...facts, seq: 99 }).collapseKey, collapseKey);
    assert.notEqual(noticeOf({ ...facts, convId: 'd_x' as ConvId }).collapseKey, collapseKey);
  });
});
