import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FaultReason } from '../../services/core/fault.ts';
import { TestServer } from '../helpers/server.ts';
import { Metrics } from './support/metrics.ts';
import { PlainVisitor } from './support/plain-visitor.ts';
import { Rest } from './support/rest.ts';
import { Scene } from './support/scene.ts';

type Row = readonly [name: string, frame: string | Buffer | object, reason: FaultReason, field?: string];

const group = (fields: object) => ({ type: 'group', group_id: 'own', content: 'hi', ...fields });

/** Told, and the socket stays open: a slip in a terminal shouldn't cost the connection. */
const rows: readonly Row[] = [
  ['nothing', '', 'malformedFrame'],
  ['words', 'hello there', 'malformedFrame'],
  ['bytes', Buffer.from('{"type":"ack"}'), 'unsupportedFrame'],
  ['half of it', '{"type":"group","group_id":', 'malformedFrame'],
  ['a number', '7', 'malformedFrame'],
  ['an array', '[{"type":"group"}]', 'malformedFrame'],
  ['no type', '{}', 'unknownCommand', 'type'],
  ['an unknown type', { type: 'dance' }, 'unknownCommand', 'type'],
  ['a type of the language', { type: '__proto__' }, 'unknownCommand', 'type'],
  ['a type that is a number', { type: 7 }, 'unknownCommand', 'type'],
  ['arrays 100,000 deep', '['.repeat(100_000) + ']'.repeat(100_000), 'invalidField', '[0]'.repeat(24)],
  ['too many things', `{"type":"group","x":[${Array(40_000).fill('1').join()}]}`, 'frameTooLarge'],
  [
    'half a surrogate pair',
    '{"type":"group","group_id":"own","content":"\\ud800"}',
    'invalidField',
    'content',
  ],
  ['no content', group({ content: undefined }), 'invalidField', 'content'],
  ['content that is a number', group({ content: 7 }), 'invalidField', 'content'],
  ['content that is null', group({ content: null }), 'invalidField', 'content'],
  ['empty content', group({ content: '' }), 'emptyContent', 'send.body'],
  ['long content', group({ content: 'x'.repeat(20_001) }), 'contentTooLarge', 'send.body.text'],
  ['no group', group({ group_id: undefined }), 'invalidField', 'group_id'],
  ['an empty group', group({ group_id: '' }), 'invalidField', 'group_id'],
  ['a group with a fraction', group({ group_id: 1.5 }), 'invalidField', 'group_id'],
  [
    'a group above 2^53',
    '{"type":"group","group_id":9007199254740993,"content":"x"}',
    'invalidField',
    'group_id',
  ],
  ['a group that is an object', group({ group_id: {} }), 'invalidField', 'group_id'],
  ['a group with a line feed', group({ group_id: 'a\nb' }), 'invalidId', 'send.conv_id'],
  ['a long group', group({ group_id: 'x'.repeat(65) }), 'invalidId', 'send.conv_id'],
  ['a group like a direct one', group({ group_id: 'd_nobody' }), 'conversationNotFound', 'send.conv_id'],
  ['a long client id', group({ client_id: 'x'.repeat(65) }), 'invalidId', 'send.client_id'],
  ['to nobody', { type: 'private', content: 'x' }, 'invalidField', 'user_id'],
  ['to a bad name', { type: 'private', to: 'a\u0000', content: 'x' }, 'invalidId', 'send.to'],
  ['a message to nowhere', { type: 'message', content: 'x' }, 'invalidField', 'conv_id'],
  ['an ack of nothing', { type: 'ack' }, 'invalidField', 'msg_id'],
  ['an ack of words', { type: 'ack', msg_id: 'last' }, 'invalidField', 'msg_id'],
  ['an ack of 0', { type: 'ack', msg_id: '0' }, 'invalidField', 'msg_id'],
  ['an ack of 2^63', { type: 'ack', msg_id: '9223372036854775808' }, 'invalidField', 'msg_id'],
  ['an ack of a number above 2^53', '{"type":"ack","msg_id":251065776872620035}', 'invalidField', 'msg_id'],
  ['an ack of an unknown message', { type: 'ack', msg_id: '77' }, 'entryNotFound'],
  ['another hello', { type: 'hello', user_id: 'ann' }, 'alreadySignedIn'],
];

describe('plain frames that are no good', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let scene: Scene;
  let mallory: PlainVisitor;

  before(async () => {
    server = stack.use(await TestServer.start());
    scene = stack.use(await Scene.set(server.ports));
    mallory = stack.use(await PlainVisitor.open(server.ports.ws, '?user_id=mallory'));
  });
  after(() => stack.disposeAsync());

  for (const [name, frame, reason, field = ''] of rows)
    test(name, async () => {
      const answer = await mallory.ask(frame);
      assert.deepEqual([answer.type, answer.reason, answer.field ?? ''], ['error', reason, field]);
      assert.ok(String(answer.message).length > 5);
    });

  test('cost the socket nothing else', async () => {
    assert.equal((await mallory.ask(group({ content: 'still here' }))).type, 'ack');
    await scene.assertUnharmed();
  });

  test('a message of others can’t be acknowledged, or found out by trying', async () => {
    const stranger = await mallory.ask({ type: 'ack', msg_id: String(scene.closedMsgId) });
    const nothing = await mallory.ask({ type: 'ack', msg_id: '77' });
    assert.deepEqual({ ...stranger }, { ...nothing });
  });

  test('who is named in a frame does not matter: the author is the session', async () => {
    const sent = await mallory.ask({
      type: 'group',
      group_id: 'own',
      user_id: 'ann',
      sender: 'ann',
      content: 'as ann?',
    });
    const { entries } = await new Rest(server.ports.http)
      .as('ann')
      .ok('GET', `/api/v1/conversations/own/messages?from_seq=${String(sent.seq)}`);
    assert.equal((entries as { user_id: string }[])[0]?.user_id, 'mallory');
  });

  test('who says nothing of themselves is told to, and may try again', async () => {
    await using nobody = await PlainVisitor.open(server.ports.ws);
    for (const frame of [
      { type: 'ack', msg_id: '7' },
      { type: 'private', to: 'ann', content: 'x' },
    ])
      assert.equal((await nobody.ask(frame)).reason, 'helloExpected');
    assert.equal(
      (await nobody.ask({ type: 'group', group_id: 'open', user_id: 9, content: 'x' })).type,
      'ack',
    );
  });

  for (const [query, reason, code] of [
    ['?token=forged', 'tokenInvalid', 4401],
    ['?user_id=a%00', 'invalidId', 4400],
    [`?user_id=${'x'.repeat(65)}`, 'invalidId', 4400],
    ['?user_id=ann&device_id=%0a', 'invalidId', 4400],
  ] as const)
    test(`${query.slice(0, 30)} is told and closed`, async () => {
      await using visitor = await PlainVisitor.open(server.ports.ws, query);
      const closed = await visitor.end();
      assert.deepEqual([closed.code, visitor.frames[0]?.reason], [code, reason]);
    });

  test('a frame above 256 KiB costs its socket', async () => {
    await using visitor = await PlainVisitor.open(server.ports.ws, '?user_id=mallory');
    visitor.socket.send(JSON.stringify(group({ content: 'x'.repeat(1_000_000) })));
    assert.deepEqual([(await visitor.end()).code, visitor.frames[0]?.reason], [1009, 'frameTooLarge']);
    await scene.assertUnharmed();
  });

  test('each is counted by its reason', async () => {
    const metrics = await Metrics.read(server.ports.metrics);
    const bridge = metrics.by('chat_bridge_frames_refused_total');
    const node = metrics.by('chat_commands_refused_total');
    for (const reason of new Set(rows.map(([, , each]) => each)))
      assert.ok((bridge.get(reason) ?? 0) + (node.get(reason) ?? 0) > 0, reason);
  });
});
