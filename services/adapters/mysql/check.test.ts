import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import {
  ada,
  append,
  bob,
  commit,
  conversation,
  createDirect,
  createGroup,
  entry,
} from '../../ports/message-store-conformance/samples.ts';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

const talk = conversation('d_talk');
const garden = conversation('garden');
const no = `conv_no = ${talk.convNo}`;

const damages: Readonly<Record<string, { readonly sql: string; readonly says: RegExp }>> = {
  'a missing entry': {
    sql: `DELETE FROM message WHERE ${no} AND seq = 2`,
    says: /d_talk seq 3 follows seq 1/,
  },
  'a wrong ord': {
    sql: `UPDATE message SET ord = 7 WHERE ${no} AND seq = 3`,
    says: /seq 3 has ord 7 instead of 3/,
  },
  'a body that was changed': {
    sql: `UPDATE message SET body = CONCAT(body, 'x') WHERE ${no} AND seq = 2`,
    says: /seq 2 does not open/,
  },
  'a msg id that stands twice': {
    sql: `UPDATE message m JOIN (SELECT msg_id FROM message WHERE ${no} AND seq = 1) o SET m.msg_id = o.msg_id WHERE m.${no} AND seq = 2`,
    says: /stands 2 times/,
  },
  'a conversation without entries': { sql: `DELETE FROM message WHERE ${no}`, says: /d_talk has no entry/ },
  'entries of no conversation': {
    sql: `DELETE FROM conversation WHERE ${no}`,
    says: /entries belong to no conversation/,
  },
  'members of no conversation': {
    sql: `DELETE FROM conversation WHERE ${no}`,
    says: /row of conversation_member belongs to no/,
  },
  'a group without its row': { sql: 'DELETE FROM chat_group', says: /garden is a group without a group row/ },
  'a member listed elsewhere': {
    sql: `UPDATE conversation_member SET conv_id = 'x' WHERE ${no} AND user_id = 'ada'`,
    says: /member ada of d_talk is not listed/,
  },
  'a push target that was changed': {
    sql: `UPDATE device SET target = CONCAT(target, 'x')`,
    says: /target of device phone of ada does not open/,
  },
  'a device known by the target of another one': {
    sql: `UPDATE device SET target_hash = REPEAT('x', 16)`,
    says: /device phone of ada has another target/,
  },
  'a cursor beyond the head': {
    sql: `UPDATE conversation_cursor SET read_seq = 9`,
    says: /cursor of bob in \d+ is beyond/,
  },
};

for (const [what, { sql, says }] of Object.entries(damages))
  it(`a check finds ${what}`, async () => {
    const schema = await database.schema();
    await using store = await database.open(schema);
    await commit(store, createDirect(talk), createGroup(garden));
    await commit(store, append(talk, [entry(2), entry(3)]));
    await store.raiseCursors([{ convNo: talk.convNo, userId: bob, deliveredSeq: 3, readSeq: 1, readOrd: 1 }]);
    const target = { t: 'fcm', token: 'a token' } as const;
    const device = { userId: ada, deviceId: 'phone', platform: 'android', name: '', target } as const;
    await store.devices.register(device, 1_000);
    assert.deepEqual(await store.check(), { conversations: 2, entries: 4, problems: [] });
    await using admin = await database.admin(schema);
    await admin.ask(sql);
    const { problems } = await store.check();
    assert.ok(
      problems.some((problem) => says.test(problem)),
      problems.join('\n'),
    );
  });

it('a check walks more than one page, of snapshots that commits don’t disturb', async () => {
  await using store = await database.open(await database.schema());
  const [many, more] = [conversation('d_many'), conversation('d_more')];
  const entries = Array.from({ length: 1_200 }, (_, at) => entry(at + 1));
  await commit(
    store,
    createDirect(many, entries),
    createDirect(
      more,
      entries.map((one) => ({ ...one, msgId: one.msgId + 1n })),
    ),
  );
  const writing = (async () => {
    for (let seq = 1_201; seq < 1_230; seq += 1) await commit(store, append(many, [entry(seq)]));
  })();
  const { conversations, entries: walked, problems } = await store.check();
  assert.deepEqual([conversations, problems], [2, []]);
  assert.ok(walked >= 2_400);
  await writing;
  assert.deepEqual(await store.check(), { conversations: 2, entries: 2_429, problems: [] });
});
