import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestServer } from '../helpers/server.ts';
import { Rest } from './support/rest.ts';
import { say, Scene } from './support/scene.ts';
import { Unary } from './support/unary.ts';
import { type Command, signIn, type Visitor } from './support/visitor.ts';

/** Everything that can be asked of a conversation. */
function asked(convId: string): readonly Command[] {
  const clientId = `c ${convId}`;
  const body = { content: { case: 'text' as const, value: 'hi' } };
  return [
    { case: 'send', value: { target: { case: 'convId', value: convId }, clientId, body } },
    { case: 'list', value: { convId } },
    { case: 'list', value: { convId, fromSeq: 1n, limit: 200, backward: true } },
    { case: 'get', value: { convId, seq: 1n } },
    { case: 'read', value: { convId, seq: 1n } },
    { case: 'ack', value: { items: [{ convId, seq: 1n }] } },
    { case: 'recall', value: { convId, seq: 1n, clientId } },
  ];
}

describe('what is none of their business', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let scene: Scene;
  let mallory: Visitor;
  let rest: Rest;

  before(async () => {
    server = stack.use(await TestServer.start({ PARLEY_LOBBY: 'false' }));
    scene = stack.use(await Scene.set(server.ports));
    mallory = stack.use(await signIn('proto', server.ports, 'mallory'));
    rest = new Rest(server.ports.http);
  });
  after(() => stack.disposeAsync());

  async function refusals(convId: string) {
    const told = [];
    for (const command of asked(convId)) {
      const { code, reason, message, field, retry } = await mallory.session.refusal(command);
      told.push([command.case, code, reason, message, field, retry]);
    }
    return told;
  }

  test('a group of others: not a member, whatever is asked', async () => {
    for (const [kind, , reason] of await refusals('closed')) assert.equal(reason, 'notMember', String(kind));
  });

  test('who talks to whom can’t be found out: a direct conversation of others is like none', async () => {
    assert.deepEqual(await refusals(scene.direct), await refusals('d_nobody'));
    using calls = new Unary(server.ports, 'mallory');
    for (const [rpc, request] of [
      ['ConversationService/GetConversation', (convId: string) => ({ convId })],
      ['ConversationService/MarkRead', (convId: string) => ({ convId, seq: '1' })],
      ['MessageService/ListMessages', (convId: string) => ({ list: { convId } })],
    ] as const) {
      const [theirs, none] = [
        await calls.grpc(rpc, request(scene.direct)),
        await calls.grpc(rpc, request('d_nobody')),
      ];
      assert.equal(none?.reason, 'conversationNotFound');
      assert.deepEqual(theirs, none);
    }
  });

  test('an entry of others is like none, also by its id', async () => {
    const { msgId } = await say(scene.ann, { to: 'bob' }, 'between us');
    const commands: readonly ((id: bigint) => Command)[] = [
      (id) => ({ case: 'get', value: { msgId: id } }),
      (id) => ({ case: 'ack', value: { items: [{ msgId: id }] } }),
    ];
    for (const command of commands) {
      const none = await mallory.session.refusal(command(77n));
      for (const id of [msgId, scene.closedMsgId])
        assert.deepEqual(await mallory.session.refusal(command(id)), none);
    }
  });

  test('sync and lists name own conversations alone', async () => {
    const known = [scene.direct, 'closed', 'nowhere', 'd_nobody'].map((convId) => ({ convId, headSeq: 1n }));
    const storeEpoch = mallory.session.of('welcome')[0]?.storeEpoch ?? '';
    const changes = await mallory.session.asked(
      { case: 'sync', value: { storeEpoch, known, entries: 50 } },
      'changes',
    );
    assert.deepEqual(
      changes.conversations.map(({ convId }) => convId),
      ['own'],
    );
    assert.deepEqual([...changes.removed].sort(), known.map(({ convId }) => convId).sort());
    const { conversations } = await rest.as('mallory').ok('GET', '/api/v1/conversations');
    assert.equal((conversations as unknown[]).length, 1);
  });

  test('members and settings are for members', async () => {
    for (const path of ['/api/v1/groups/closed', '/api/v1/groups/closed/members'])
      assert.equal((await rest.as('mallory').refused('GET', path)).reason, 'notMember', path);
  });

  test('nothing is pushed to strangers: entries, typing, cursors', async () => {
    const { seq } = await say(scene.ann, { convId: 'closed' }, 'secret');
    await scene.bob.session.delivered('closed', Number(seq));
    for (const convId of ['closed', scene.direct]) {
      await scene.ann.session.ask({ case: 'typing', value: { convId, active: true } });
      await scene.ann.session.ask({ case: 'read', value: { convId, seq: 1n } });
    }
    await scene.bob.session.until(({ event }) => event.case === 'typing');
    await mallory.session.barrier();
    const heard = mallory.session.events.filter(({ event }) =>
      ['entry', 'typing', 'cursor', 'receipts', 'gap'].includes(event.case ?? ''),
    );
    for (const { event } of heard)
      assert.ok(
        event.value !== undefined && 'convId' in event.value && event.value.convId === 'own',
        event.case,
      );
  });

  test('strangers can’t make themselves heard: their typing reaches nobody', async () => {
    await mallory.session.ask({ case: 'typing', value: { convId: 'closed', active: true } });
    await mallory.session.ask({ case: 'typing', value: { convId: scene.direct, active: true } });
    await mallory.session.ask({ case: 'typing', value: { convId: 'own', active: true } });
    await scene.ann.session.until(
      ({ event: { case: kind, value } }) => kind === 'typing' && value.userId === 'mallory',
    );
    await scene.bob.session.barrier();
    for (const { session } of [scene.ann, scene.bob])
      for (const { userId, convId } of session.of('typing'))
        assert.ok(userId !== 'mallory' || convId === 'own', `${userId} types in ${convId}`);
  });

  test('newcomers see nothing of the time before them; who left, nothing of the time after', async () => {
    const ann = rest.as('ann');
    await ann.ok('POST', '/api/v1/groups', { group_id: 'club', name: 'Club', members: ['bob'] });
    const before = await say(scene.ann, { convId: 'club' }, 'before');
    await ann.ok('POST', '/api/v1/groups/club/members', { users: ['mallory'] });
    const during = await say(scene.ann, { convId: 'club' }, 'during');
    await mallory.session.delivered('club', Number(during.seq));
    await ann.ok('DELETE', '/api/v1/groups/club/members/mallory');
    const after = await say(scene.ann, { convId: 'club' }, 'after');
    await scene.bob.session.delivered('club', Number(after.seq));

    const { entries, headSeq } = await mallory.session.asked(
      { case: 'list', value: { convId: 'club', fromSeq: 1n, limit: 200 } },
      'entries',
    );
    const texts = entries.flatMap(({ content }) =>
      content.case === 'message' ? [String(content.value.content.value)] : [],
    );
    assert.deepEqual(texts, ['during']);
    assert.equal(headSeq, after.seq - 1n);
    const hidden: readonly Command[] = [
      { case: 'get', value: { convId: 'club', seq: before.seq } },
      { case: 'get', value: { msgId: before.msgId } },
      { case: 'get', value: { convId: 'club', seq: after.seq } },
      { case: 'get', value: { msgId: after.msgId } },
      { case: 'ack', value: { items: [{ msgId: after.msgId }] } },
    ];
    for (const command of hidden)
      assert.equal((await mallory.session.refusal(command)).reason, 'entryNotFound');
    const read = { case: 'read', value: { convId: 'club', seq: after.seq } } as const;
    assert.equal((await mallory.session.refusal(read)).reason, 'beyondHead');
    const [send] = asked('club');
    assert.equal((await mallory.session.refusal(send as Command)).reason, 'notMember');
    const recall = { case: 'recall', value: { convId: 'club', seq: during.seq, clientId: 'r' } } as const;
    assert.equal((await mallory.session.refusal(recall)).reason, 'notMember');
    for (const path of ['/api/v1/groups/club', '/api/v1/groups/club/members'])
      assert.equal((await rest.as('mallory').refused('GET', path)).reason, 'notMember', path);
    assert.equal(mallory.session.liveSeqs('club').includes(Number(after.seq)), false);
    await mallory.session.ask({ case: 'typing', value: { convId: 'club', active: true } });
    await scene.bob.session.barrier();
    assert.ok(scene.bob.session.of('typing').every(({ convId }) => convId !== 'club'));
  });
});
