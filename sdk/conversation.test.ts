import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { ConversationStateSchema } from '../gen/parley/chat/v1/conversation_pb.ts';
import { ConversationKind, EntrySchema, Role } from '../gen/parley/chat/v1/entry_pb.ts';
import { Conversation, joins } from './conversation.ts';
import { type HeldItem, itemOf } from './item.ts';
import type { LogContent } from './types.ts';

type EntryInit = MessageInitShape<typeof EntrySchema>;

const entry = (
  seq: number,
  ord: number,
  sender = 'bob',
  more: EntryInit = {},
): ReturnType<typeof create<typeof EntrySchema>> =>
  create(EntrySchema, {
    convId: 'g',
    seq: BigInt(seq),
    msgId: BigInt(1_000 + seq),
    ord: BigInt(ord),
    sender,
    content: { case: 'message', value: { content: { case: 'text', value: `${seq}` } } },
    ...more,
  } as EntryInit);

const item = (seq: number, ord: number, sender = 'bob', content?: LogContent): HeldItem => {
  const made = itemOf(entry(seq, ord, sender));
  return content === undefined ? made : { ...made, content };
};

const state = (more: MessageInitShape<typeof ConversationStateSchema>) =>
  create(ConversationStateSchema, {
    convId: 'g',
    kind: ConversationKind.GROUP,
    name: 'Group',
    role: Role.MEMBER,
    memberCount: 3,
    joinedSeq: 1n,
    ...more,
  } as MessageInitShape<typeof ConversationStateSchema>);

const group = (more: MessageInitShape<typeof ConversationStateSchema> = {}): Conversation => {
  const conversation = new Conversation({ convId: 'g', self: 'me' });
  conversation.apply(state(more), 100);
  return conversation;
};

const summary = (conversation: Conversation) => conversation.summary(() => []);

describe('what is unread', () => {
  test('is what the server counted, and every message since', () => {
    const one = group({ headSeq: 5n, unread: 2n, readSeq: 3n, entries: [entry(5, 4)] });
    assert.equal(summary(one).unread, 2);
    one.merge([item(6, 5), item(7, 5, 'bob', { t: 'groupRenamed', name: 'x' }), item(8, 6)]);
    assert.equal(summary(one).unread, 4);
  });

  test('goes down by the messages that are read, exactly where the log has them', () => {
    const one = group({ headSeq: 5n, unread: 5n, entries: [1, 2, 3, 4, 5].map((n) => entry(n, n)) });
    assert.equal(one.markRead(3), 3);
    assert.equal(summary(one).unread, 2);
    assert.equal(one.markRead(2), 0);
    assert.equal(one.markRead(99), 5);
    assert.deepEqual([summary(one).unread, summary(one).readSeq], [0, 5]);
  });

  test('is the count of the server while the newest entries are missing', () => {
    const one = group({ headSeq: 900n, unread: 40n });
    assert.equal(summary(one).unread, 40);
    one.merge([899, 900].map((n) => item(n, n)));
    assert.equal(summary(one).unread, 40);
    one.merge([item(901, 901)]);
    assert.equal(summary(one).unread, 41);
  });

  test('is nothing once the user has written', () => {
    const one = group({ headSeq: 5n, unread: 2n, entries: [entry(5, 5)] });
    one.merge([item(6, 6, 'me')]);
    assert.equal(summary(one).unread, 0);
  });

  test('follows another device, even where that is ahead of this one', () => {
    const one = group({ headSeq: 5n, unread: 2n, entries: [entry(4, 4), entry(5, 5)] });
    assert.equal(one.readElsewhere(7), true);
    one.merge([item(6, 6), item(7, 7), item(8, 8)]);
    assert.equal(summary(one).unread, 1);
  });

  test('is too much, and known to be, where another device has read what is not at hand', () => {
    const one = group({ headSeq: 90n, unread: 80n, readSeq: 10n, entries: [entry(89, 89), entry(90, 90)] });
    assert.equal(one.readElsewhere(50), false);
    assert.equal(summary(one).unread, 80);
    one.learn(item(50, 50));
    assert.equal(summary(one).unread, 40);
  });

  test('is not moved back by an answer that was written before', () => {
    const one = group({ headSeq: 5n, unread: 5n, entries: [1, 2, 3, 4, 5].map((n) => entry(n, n)) });
    one.markRead(5);
    one.apply(state({ headSeq: 5n, unread: 5n }), 100);
    assert.equal(summary(one).unread, 0);
  });
});

describe('a group', () => {
  test('follows its entries', () => {
    const one = group({ headSeq: 1n });
    one.merge([item(2, 0, 'bob', { t: 'groupRenamed', name: 'New' })]);
    one.merge([item(3, 0, 'bob', { t: 'membersAdded', users: ['x', 'y'] })]);
    one.merge([item(4, 0, 'bob', { t: 'memberRemoved', user: 'x', left: true })]);
    one.merge([item(5, 0, 'bob', { t: 'roleChanged', user: 'me', role: Role.OWNER })]);
    assert.deepEqual(
      [summary(one).title, summary(one).memberCount, summary(one).role],
      ['New', 4, Role.OWNER],
    );
    one.merge([item(6, 0, 'me', { t: 'roleChanged', user: 'y', role: Role.OWNER })]);
    assert.equal(summary(one).role, Role.ADMIN, 'giving the group away makes an admin');
  });

  test('is left for reading by those who are removed, and entered again', () => {
    const one = group({ headSeq: 1n });
    one.merge([item(2, 0, 'bob', { t: 'memberRemoved', user: 'me', left: false })]);
    assert.equal(summary(one).left, true);
    const back = item(3, 0, 'bob', { t: 'membersAdded', users: ['me'] });
    assert.ok(joins(back, 'me'));
    one.merge([back]);
    assert.equal(summary(one).left, false);
  });

  test('keeps the name that those who left knew, or that the entries tell', () => {
    const left = { headSeq: 3n, leftSeq: 3n, name: '', memberCount: 0 };
    const out = entry(3, 1, 'bob', { content: { case: 'memberRemoved', value: { user: 'me' } } });
    const one = group({ headSeq: 1n });
    one.apply(state({ ...left, entries: [out] }), 100);
    assert.deepEqual([summary(one).title, summary(one).memberCount, summary(one).left], ['Group', 3, true]);
    const renamed = entry(2, 1, 'bob', { content: { case: 'groupRenamed', value: { name: 'New' } } });
    for (const device of [group({ headSeq: 1n }), new Conversation({ convId: 'g', self: 'me' })]) {
      device.apply(state({ ...left, entries: [renamed, out] }), 100);
      assert.equal(summary(device).title, 'New');
    }
    one.apply(state({ headSeq: 4n, joinedSeq: 4n, name: 'Other', memberCount: 5 }), 100);
    assert.deepEqual([summary(one).title, summary(one).memberCount, summary(one).left], ['Other', 5, false]);
  });

  test('an answer of sync that is older than the entries here changes nothing back', () => {
    const one = group({ headSeq: 1n, entries: [entry(1, 1)] });
    one.merge([item(2, 1, 'bob', { t: 'groupRenamed', name: 'New' })]);
    one.merge([item(3, 1, 'bob', { t: 'membersAdded', users: ['x'] })]);
    one.apply(state({ headSeq: 1n }), 100);
    assert.deepEqual([summary(one).title, summary(one).memberCount], ['New', 4]);
    one.apply(state({ headSeq: 3n, name: 'New', memberCount: 4 }), 100);
    assert.deepEqual([summary(one).title, summary(one).memberCount], ['New', 4]);
  });

  test('a message is delivered when all have it, and read when all have read it', () => {
    const one = group({ headSeq: 1n });
    one.merge([item(2, 1, 'me'), item(3, 2, 'me')]);
    const statuses = (): unknown[] => one.log.items.map(({ status }) => status);
    one.receipts(3, 2, 1);
    assert.deepEqual(statuses(), ['sent', 'sent']);
    one.receipts(3, 3, 1);
    assert.deepEqual(statuses(), ['delivered', 'delivered']);
    one.receipts(2, 3, 3);
    assert.deepEqual(statuses(), ['read', 'delivered']);
  });
});

test('in a direct conversation, who answers has read', () => {
  const one = new Conversation({ convId: 'd_x', self: 'me', peer: 'bob' });
  one.merge([item(1, 1, 'me'), item(2, 2, 'bob'), item(3, 3, 'me')]);
  assert.deepEqual(
    one.log.items.map(({ status }) => status),
    ['read', undefined, 'sent'],
  );
  assert.equal(summary(one).title, 'bob');
});

test('is kept through a reload as it is', () => {
  const entries = [
    entry(1, 0, 'bob', {
      content: { case: 'groupCreated', value: { name: 'Group', members: ['bob', 'me'] } },
    }),
    entry(2, 0, 'bob', { content: { case: 'membersAdded', value: { users: ['eve'] } } }),
    entry(3, 1, 'me'),
    entry(4, 2, 'bob', { content: { case: 'recalled', value: { by: 'bob' } }, revision: 1 }),
    entry(5, 2, 'bob', { content: { case: 'recall', value: { targetSeq: 4n } } }),
    entry(6, 2, 'bob', { content: { case: 'roleChanged', value: { user: 'eve', role: Role.ADMIN } } }),
    entry(7, 2, 'bob', { content: { case: 'groupRenamed', value: { name: 'Group' } } }),
    entry(8, 2, 'eve', { content: { case: 'memberRemoved', value: { user: 'eve', left: true } } }),
    entry(9, 3, 'bob', {
      content: { case: 'message', value: { content: { case: 'data', value: new Uint8Array([1, 2]) } } },
    }),
    entry(10, 4, 'bob', { content: { case: 'hidden', value: { throughSeq: 12n } } }),
    entry(13, 5, 'bob'),
  ];
  const before = group({ headSeq: 13n, unread: 3n, readSeq: 4n, rev: 9n, peerReadSeq: 0n, entries });
  const bytes = toBinary(ConversationStateSchema, before.toState(100));
  const after = new Conversation({ convId: 'g', self: 'me' });
  after.apply(fromBinary(ConversationStateSchema, bytes), 0);
  assert.deepEqual(after.log.items, before.log.items);
  assert.deepEqual(summary(after), summary(before));
  assert.deepEqual(after.known(), before.known());
});
