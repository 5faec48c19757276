import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestServer } from '../helpers/server.ts';
import { PlainVisitor } from './support/plain-visitor.ts';
import { Rest } from './support/rest.ts';
import { say, Scene } from './support/scene.ts';
import { type Command, signIn, type Visitor } from './support/visitor.ts';

const text = (value: string) => ({ content: { case: 'text', value } }) as const;
const send = (convId: string, clientId: string, value = 'x') =>
  ({
    case: 'send',
    value: { target: { case: 'convId', value: convId }, clientId, body: text(value) },
  }) as const;
const recall = (convId: string, seq: bigint, clientId: string): Command => {
  return { case: 'recall', value: { convId, seq, clientId } };
};

interface RestEntry {
  readonly seq: number;
  readonly user_id: string;
  readonly kind?: string;
  readonly content?: string;
}

describe('tricks', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let scene: Scene;
  let mallory: Visitor;
  let rest: Rest;

  before(async () => {
    server = stack.use(await TestServer.start({ PARLEY_LOBBY: 'false' }));
    scene = stack.use(await Scene.set(server.ports));
    mallory = stack.use(await signIn('proto', server.ports, 'mallory'));
    rest = new Rest(server.ports.http).as('mallory');
  });
  after(() => stack.disposeAsync());

  async function log(user: string, convId: string): Promise<readonly RestEntry[]> {
    const path = `/api/v1/conversations/${encodeURIComponent(convId)}/messages?limit=200`;
    const { entries } = await rest.as(user).ok('GET', path);
    return entries as RestEntry[];
  }

  test('nobody sits down in front of a direct conversation: its id can’t be a group’s', async () => {
    for (const convId of [scene.direct, 'd_x', 'd_']) {
      const { reason } = await rest.refused('POST', '/api/v1/groups', { group_id: convId, name: 'Mine' });
      assert.equal(reason, 'invalidId', convId);
      await using plain = await PlainVisitor.open(server.ports.ws, '?user_id=mallory');
      const answer = await plain.ask({ type: 'group', group_id: convId, content: 'x' });
      assert.equal(answer.reason, 'conversationNotFound', convId);
    }
    const group = await rest.ok('POST', '/api/v1/groups', { group_id: 'D_x', name: 'No trick at all' });
    assert.equal(group.group_id, 'D_x');
  });

  test('names are told apart however they are put together', async () => {
    const said = new Map<string, string>();
    for (const [one, other] of [
      ['ab', 'c'],
      ['a', 'bc'],
      ['1:ab', 'c'],
      ['a1', 'b'],
      ['a', '1b'],
      ['ab', 'C'],
    ] as const) {
      const answer = await rest
        .as(one)
        .ok('POST', '/api/v1/messages/send', { to: other, content: `${one}|${other}` });
      assert.equal(answer.seq, 1);
      said.set(String(answer.conv_id), `${one}|${other}`);
      assert.equal((await log(other, String(answer.conv_id)))[0]?.content, `${one}|${other}`);
    }
    assert.equal(said.size, 6);
  });

  test('a group and a user of the same name are not the same', async () => {
    const direct = await rest.ok('POST', '/api/v1/messages/send', { to: 'own', content: 'to the user' });
    assert.notEqual(direct.conv_id, 'own');
    assert.ok((await log('mallory', 'own')).every(({ content }) => content !== 'to the user'));
  });

  for (const name of [
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'null',
    'undefined',
    '0',
    '%2f',
    'a/b',
    '💬',
    'ﷺ',
  ])
    test(`a name is only a name: ${name}`, async () => {
      const it = rest.as(name);
      const group = { group_id: `${name}`, name, members: ['mallory', `${name} 2`] };
      assert.equal((await it.ok('POST', '/api/v1/groups', group)).group_id, name);
      const attributes = JSON.parse(`{"${name}":"v","constructor":"w"}`) as object;
      const content = `hi from ${name}`;
      const idempotent = it.with({ 'idempotency-key': /^[\x20-\x7e]+$/.test(name) ? name : 'k' });
      const first = await idempotent.ok('POST', '/api/v1/messages/send', {
        group_id: name,
        content,
        attributes,
      });
      const again = await idempotent.ok('POST', '/api/v1/messages/send', {
        group_id: name,
        content,
        attributes,
      });
      assert.deepEqual([again.seq, again.duplicate], [first.seq, true]);
      const entry = (await log('mallory', name)).find(({ seq }) => seq === first.seq);
      assert.deepEqual([entry?.user_id, entry?.content], [name, content]);
      const path = `/api/v1/groups/${encodeURIComponent(name)}/members`;
      const { members } = await it.ok('GET', path);
      assert.ok((members as { user_id: string }[]).some(({ user_id }) => user_id === name));
      const { users } = await it.ok('POST', '/api/v1/presence', { user_ids: [name, 'mallory'] });
      assert.deepEqual(
        (users as { user_id: string; online: boolean }[]).map(({ user_id, online }) => [user_id, online]),
        [
          [name, false],
          ['mallory', true],
        ],
      );
      assert.equal(({} as Record<string, unknown>).v, undefined);
    });

  test('one client id, 200 times in a frame, is one message', async () => {
    const before = (await log('mallory', 'own')).length;
    const ids = mallory.session.send(
      ...Array.from({ length: 200 }, (_, index) => send('own', 'often', `${index}`)),
    );
    const answers = [];
    for (const id of ids) answers.push((await mallory.session.answer(id)).event);
    const sent = answers.flatMap((event) => (event.case === 'sent' ? [event.value] : []));
    assert.equal(sent.length, 200);
    assert.equal(new Set(sent.map(({ seq, msgId }) => `${seq} ${msgId}`)).size, 1);
    assert.equal(sent.filter(({ duplicate }) => !duplicate).length, 1);
    const entries = await log('mallory', 'own');
    assert.equal(entries.length, before + 1);
    assert.equal(entries.at(-1)?.content, '0');
  });

  test('a client id used again for something else is refused, and does nothing', async () => {
    const sent = await mallory.session.asked(send('own', 'both', 'keep me'), 'sent');
    const refused = await mallory.session.refusal(recall('own', sent.seq, 'both'));
    assert.deepEqual([refused.reason, refused.field], ['clientIdReused', 'client_id']);
    assert.equal((await log('mallory', 'own')).at(-1)?.content, 'keep me');
    await mallory.session.asked(recall('own', sent.seq, 'another'), 'sent');
    const { length } = await log('mallory', 'own');
    assert.equal((await mallory.session.refusal(send('own', 'another', 'no'))).reason, 'clientIdReused');
    // What its session sends behind it is taken.
    await mallory.session.asked(send('own', 'the next', 'yes'), 'sent');
    assert.equal((await log('mallory', 'own')).length, length + 1);
  });

  test('a client id is its sender’s and its conversation’s: others may use it, too', async () => {
    const one = await mallory.session.asked(send('own', 'shared', 'mine'), 'sent');
    const other = await scene.ann.session.asked(send('own', 'shared', 'ann’s'), 'sent');
    const elsewhere = await scene.ann.session.asked(send('closed', 'shared', 'elsewhere'), 'sent');
    assert.deepEqual([one.duplicate, other.duplicate, elsewhere.duplicate], [false, false, false]);
    assert.notEqual(one.seq, other.seq);
  });

  test('of many recalls of one message one is done', async () => {
    const { seq } = await say(mallory, { convId: 'own' }, 'take me back');
    await using second = await signIn('grpc', server.ports, 'mallory');
    const tries = [mallory, second].flatMap(({ session }) =>
      Array.from({ length: 20 }, (_, index) =>
        session.ask(recall('own', seq, `${session === second.session} ${index}`)),
      ),
    );
    const answers = (await Promise.all(tries)).map(({ event }) =>
      event.case === 'error' ? event.value.reason : event.case,
    );
    assert.equal(answers.filter((answer) => answer === 'sent').length, 1);
    assert.equal(answers.filter((answer) => answer === 'notRecallable').length, 39);
    const recalls = (await log('ann', 'own')).filter(({ kind }) => kind === 'recall');
    assert.equal(new Set(recalls.map(({ seq: each }) => each)).size, recalls.length);
  });

  test('giving up what was never sent is nothing', async () => {
    const skip = (clientId: string) =>
      ({ case: 'skip', value: { target: { case: 'convId', value: 'own' }, clientId } }) as const;
    for (let round = 0; round < 50; round += 1) await mallory.session.asked(skip(`never ${round}`), 'pong');
    const sent = await mallory.session.asked(send('own', 'never 7', 'sent after all'), 'sent');
    assert.equal(sent.duplicate, false);
  });

  test('the same Idempotency-Key: one message, whatever comes with it, however often and at once', async () => {
    const keyed = rest.with({ 'idempotency-key': 'only once' });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        keyed.ok('POST', '/api/v1/messages/send', { conv_id: 'own', content: `try ${index}` }),
      ),
    );
    assert.equal(new Set(answers.map(({ msg_id }) => msg_id)).size, 1);
    assert.equal(answers.filter(({ duplicate }) => duplicate === false).length, 1);
    const elsewhere = await keyed.ok('POST', '/api/v1/messages/send', { to: 'ann', content: 'x' });
    assert.equal(elsewhere.duplicate, false);
    for (const key of ['x'.repeat(65), '\u0080'])
      assert.ok(
        ['invalidField', 'invalidId'].includes(
          String(
            (
              await rest
                .with({ 'idempotency-key': key })
                .refused('POST', '/api/v1/messages/send', { conv_id: 'own', content: 'x' })
            ).reason,
          ),
        ),
      );
  });

  test('a group of a thousand, and the same thousand again and again', async () => {
    const users = Array.from({ length: 1_000 }, (_, index) => `user ${index}`);
    await rest.ok('POST', '/api/v1/groups', {
      group_id: 'crowd',
      name: 'Crowd',
      max_members: 1_001,
      members: users,
    });
    for (let round = 0; round < 5; round += 1)
      assert.equal((await rest.ok('POST', '/api/v1/groups/crowd/members', { users })).seq, 0);
    const { reason } = await rest.refused('POST', '/api/v1/groups/crowd/members', { users: ['one more'] });
    assert.equal(reason, 'groupFull');
    const { members } = await rest.ok('GET', '/api/v1/groups/crowd/members?page_size=1000');
    assert.equal((members as unknown[]).length, 1_000);
  });

  test('nobody takes what is not theirs: roles', async () => {
    const role = (user: string, name: string) =>
      ['PUT', `/api/v1/groups/own/members/${user}/role`, { role: name }] as const;
    for (const [method, path, body] of [
      role('mallory', 'owner'),
      role('mallory', 'admin'),
      role('ann', 'member'),
      ['DELETE', '/api/v1/groups/own/members/ann', undefined] as const,
      ['PATCH', '/api/v1/groups/own', { name: 'Mine' }] as const,
    ])
      assert.equal((await rest.refused(method, path, body)).reason, 'notAllowed', path);
    const owner = rest.as('ann');
    assert.equal((await owner.refused(...role('ann', 'member'))).reason, 'ownerMustHandOver');
  });
});
