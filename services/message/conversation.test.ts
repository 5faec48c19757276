import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ada, bob, cyd, groupOf, memberRow } from './testing/samples.ts';

it('a list of members, once asked for, follows what becomes of them', () => {
  const conversation = groupOf(3);
  const listed = () => conversation.order.page(undefined, 10).users;
  assert.deepEqual(listed(), [ada, bob]);
  conversation.setMember(memberRow(cyd));
  conversation.setMember(memberRow(bob, { leftSeq: 4 }));
  assert.deepEqual(listed(), [ada, cyd]);
  conversation.setMember(memberRow(cyd, { role: 'admin' }));
  assert.deepEqual(listed(), [ada, cyd]);
  const { convNo, convId, kind, head, projectedSeq, group } = conversation;
  assert.ok(convNo !== undefined && kind !== undefined);
  conversation.restore({ convNo, convId, kind, head, projectedSeq, group, members: [memberRow(bob)] });
  assert.deepEqual(listed(), [bob]);
});
