import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { JsonValue } from '@bufbuild/protobuf';
import type { FaultReason } from '../../services/core/fault.ts';
import { TestServer } from '../helpers/server.ts';
import { Metrics } from './support/metrics.ts';
import { Rest } from './support/rest.ts';
import { Scene } from './support/scene.ts';
import { Unary } from './support/unary.ts';

type Row = readonly [name: string, rpc: string, request: JsonValue, reason: FaultReason, field?: string];

const clientId = 'c1';
const body = { text: 'hi' };
const beyond = '9007199254740992';
const users = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`);
const group = (changed: object) => ({ groupId: 'own', clientId, ...changed });
const create = (changed: object) => ({ name: 'New', clientId, ...changed });

/** Mallory is a member, and no more than that, of `own`; `full` has room for nobody; `closed` is none of hers. */
const rows: readonly Row[] = [
  ['no send', 'MessageService/Send', {}, 'invalidField', 'send'],
  ['no target', 'MessageService/Send', { send: { clientId, body } }, 'invalidField', 'send.conv_id'],
  ['no client id', 'MessageService/Send', { send: { to: 'ann', body } }, 'invalidId', 'send.client_id'],
  ['no body', 'MessageService/Send', { send: { to: 'ann', clientId } }, 'emptyContent', 'send.body'],
  [
    'a long text',
    'MessageService/Send',
    { send: { to: 'ann', clientId, body: { text: 'x'.repeat(20_001) } } },
    'contentTooLarge',
    'send.body.text',
  ],
  ['no sends', 'MessageService/SendBatch', {}, 'invalidField', 'sends'],
  [
    '257 sends',
    'MessageService/SendBatch',
    { sends: Array.from({ length: 257 }, () => ({ to: 'ann', clientId, body })) },
    'invalidField',
    'sends',
  ],
  ['no list', 'MessageService/ListMessages', {}, 'invalidField', 'list'],
  [
    'a large page',
    'MessageService/ListMessages',
    { list: { convId: 'own', limit: 201 } },
    'pageTooLarge',
    'list.limit',
  ],
  [
    'a page from 2^53',
    'MessageService/ListMessages',
    { list: { convId: 'own', fromSeq: beyond } },
    'seqOutOfRange',
    'list.from_seq',
  ],
  ['a page of others', 'MessageService/ListMessages', { list: { convId: 'closed' } }, 'notMember'],
  [
    'a page of nothing',
    'MessageService/ListMessages',
    { list: { convId: 'nowhere' } },
    'conversationNotFound',
  ],
  ['no get', 'MessageService/GetMessage', {}, 'invalidField', 'get'],
  ['an unknown entry', 'MessageService/GetMessage', { get: { msgId: '77' } }, 'entryNotFound'],
  [
    'an entry beyond the head',
    'MessageService/GetMessage',
    { get: { convId: 'own', seq: '99' } },
    'entryNotFound',
  ],
  ['no recall', 'MessageService/RecallMessage', {}, 'invalidField', 'recall'],
  [
    'a recall of what others said',
    'MessageService/RecallMessage',
    { recall: { convId: 'own', seq: '2', clientId } },
    'notAllowed',
  ],
  ['no ack', 'MessageService/AckMessages', {}, 'invalidField', 'ack'],
  [
    '257 acks',
    'MessageService/AckMessages',
    { ack: { items: Array.from({ length: 257 }, () => ({ convId: 'own', seq: '1' })) } },
    'invalidField',
    'ack.items',
  ],
  [
    'an ack beyond the head',
    'MessageService/AckMessages',
    { ack: { items: [{ convId: 'own', seq: '99' }] } },
    'beyondHead',
    'ack.seq',
  ],
  ['a large list', 'ConversationService/ListConversations', { pageSize: 201 }, 'pageTooLarge', 'page_size'],
  [
    'a bad place in the list',
    'ConversationService/ListConversations',
    { pageToken: 'a\n' },
    'invalidId',
    'page_token',
  ],
  ['no conversation', 'ConversationService/GetConversation', {}, 'invalidId', 'conv_id'],
  ['a conversation of others', 'ConversationService/GetConversation', { convId: 'closed' }, 'notMember'],
  [
    'an unknown conversation',
    'ConversationService/GetConversation',
    { convId: 'nowhere' },
    'conversationNotFound',
  ],
  ['a bad peer', 'ConversationService/GetConversation', { peer: 'a\u0000' }, 'invalidId', 'peer'],
  ['reading 0', 'ConversationService/MarkRead', { convId: 'own', seq: '0' }, 'seqOutOfRange', 'seq'],
  ['reading 2^53', 'ConversationService/MarkRead', { convId: 'own', seq: beyond }, 'seqOutOfRange', 'seq'],
  [
    'reading beyond the head',
    'ConversationService/MarkRead',
    { convId: 'own', seq: '99' },
    'beyondHead',
    'read.seq',
  ],
  ['a group without a name', 'GroupService/CreateGroup', create({ name: '' }), 'invalidField', 'name'],
  [
    'a group with a name of spaces',
    'GroupService/CreateGroup',
    create({ name: '  ' }),
    'invalidField',
    'name',
  ],
  [
    'a group with a long name',
    'GroupService/CreateGroup',
    create({ name: 'x'.repeat(101) }),
    'invalidField',
    'name',
  ],
  [
    'a group with a NUL in its name',
    'GroupService/CreateGroup',
    create({ name: 'a\u0000' }),
    'invalidField',
    'name',
  ],
  [
    'a group like a direct one',
    'GroupService/CreateGroup',
    create({ groupId: 'd_x' }),
    'invalidId',
    'group_id',
  ],
  [
    'a group with a long id',
    'GroupService/CreateGroup',
    create({ groupId: 'x'.repeat(65) }),
    'invalidId',
    'group_id',
  ],
  [
    'a group that exists',
    'GroupService/CreateGroup',
    create({ groupId: 'closed' }),
    'groupExists',
    'group_id',
  ],
  [
    'a group without a client id',
    'GroupService/CreateGroup',
    create({ clientId: '' }),
    'invalidId',
    'client_id',
  ],
  [
    'a group of 1,001',
    'GroupService/CreateGroup',
    create({ members: users(1_001) }),
    'invalidField',
    'members',
  ],
  [
    'a group with a bad member',
    'GroupService/CreateGroup',
    create({ members: ['a\n'] }),
    'invalidId',
    'members[0]',
  ],
  [
    'a group of 100,001 at most',
    'GroupService/CreateGroup',
    create({ maxMembers: 100_001 }),
    'invalidField',
    'max_members',
  ],
  [
    'a group that is too small for its members',
    'GroupService/CreateGroup',
    create({ maxMembers: 2, members: users(2) }),
    'groupFull',
  ],
  ['a bad group', 'GroupService/GetGroup', { groupId: 'd_x' }, 'invalidId', 'group_id'],
  ['a group of others', 'GroupService/GetGroup', { groupId: 'closed' }, 'notMember'],
  ['an unknown group', 'GroupService/GetGroup', { groupId: 'nowhere' }, 'conversationNotFound'],
  ['a new name by a member', 'GroupService/RenameGroup', group({ name: 'Mine' }), 'notAllowed'],
  [
    'a new name for a group of others',
    'GroupService/RenameGroup',
    group({ groupId: 'closed', name: 'M' }),
    'notMember',
  ],
  ['adding nobody', 'GroupService/AddMembers', group({ users: [] }), 'invalidField', 'users'],
  ['adding 1,001', 'GroupService/AddMembers', group({ users: users(1_001) }), 'invalidField', 'users'],
  ['adding by a member', 'GroupService/AddMembers', group({ users: ['eve'] }), 'notAllowed'],
  [
    'adding to a group of others',
    'GroupService/AddMembers',
    group({ groupId: 'closed', users: ['mallory'] }),
    'notMember',
  ],
  [
    'adding to a full group',
    'GroupService/AddMembers',
    group({ groupId: 'full', users: ['eve'] }),
    'groupFull',
  ],
  ['removing the owner', 'GroupService/RemoveMember', group({ userId: 'ann' }), 'notAllowed'],
  [
    'removing from a group of others',
    'GroupService/RemoveMember',
    group({ groupId: 'closed', userId: 'bob' }),
    'notMember',
  ],
  [
    'removing who isn’t there',
    'GroupService/RemoveMember',
    group({ groupId: 'full', userId: 'eve' }),
    'memberNotFound',
    'user_id',
  ],
  ['leaving a group of others', 'GroupService/LeaveGroup', group({ groupId: 'closed' }), 'notMember'],
  ['leaving as the owner', 'GroupService/LeaveGroup', group({ groupId: 'full' }), 'ownerMustHandOver'],
  ['no role', 'GroupService/SetRole', group({ userId: 'ann' }), 'invalidField', 'role'],
  [
    'making oneself the owner',
    'GroupService/SetRole',
    group({ userId: 'mallory', role: 'ROLE_OWNER' }),
    'notAllowed',
  ],
  ['members of others', 'GroupService/ListMembers', { groupId: 'closed' }, 'notMember'],
  [
    '1,001 members',
    'GroupService/ListMembers',
    { groupId: 'own', pageSize: 1_001 },
    'pageTooLarge',
    'page_size',
  ],
  ['nobody’s presence', 'PresenceService/GetPresence', {}, 'invalidField', 'user_ids'],
  ['the presence of 501', 'PresenceService/GetPresence', { userIds: users(501) }, 'invalidField', 'user_ids'],
  ['ids without being a service', 'IdService/AllocateIds', { count: 1 }, 'scopeMissing'],
  ['a token without being a service', 'AdminService/IssueToken', { userId: 'ann' }, 'scopeMissing'],
];

const empty = (count: number, tag: number) => Buffer.alloc(2 * count, Buffer.from([tag, 0]));

describe('calls that are no good', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let scene: Scene;
  let mallory: Unary;

  before(async () => {
    server = stack.use(await TestServer.start());
    scene = stack.use(await Scene.set(server.ports));
    const full = { group_id: 'full', name: 'Full', members: ['bob'], max_members: 2 };
    await new Rest(server.ports.http).as('mallory').ok('POST', '/api/v1/groups', full);
    mallory = stack.use(new Unary(server.ports, 'mallory'));
  });
  after(() => stack.disposeAsync());

  for (const [name, rpc, request, reason, field = ''] of rows)
    test(`${name}: ${reason}`, async () => {
      for (const outcome of [await mallory.connect(rpc, request), await mallory.grpc(rpc, request)]) {
        assert.deepEqual([outcome?.reason, outcome?.field], [reason, field], outcome?.message);
        assert.ok((outcome?.message ?? '').length > 5);
      }
    });

  test('what is no message', async () => {
    const rpc = 'MessageService/Send';
    for (const bytes of [[0xff], [0x0a, 5, 1], [0x0a, 2, 0x1a, 9], [0x0b]])
      assert.equal((await mallory.grpc(rpc, Uint8Array.from(bytes)))?.reason, 'malformedFrame');
    for (const [text, reason] of [
      ['{', 'malformedFrame'],
      ['[]', 'malformedFrame'],
      ['{"send":7}', 'malformedFrame'],
      ['{"send":{"to":"a","convId":"b"}}', 'malformedFrame'],
      ['{"send":{"to":"\\ud800"}}', 'invalidField'],
      [`{"send":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'invalidField'],
    ] as const)
      assert.equal((await mallory.connect(rpc, text))?.reason, reason, text.slice(0, 40));
    const number = '{"get":{"msgId":251065776872620035}}';
    assert.equal((await mallory.connect('MessageService/GetMessage', number))?.reason, 'invalidField');
  });

  test('messages that would become millions of things', async () => {
    const many = JSON.stringify({ sends: Array.from({ length: 300_000 }, () => ({})) });
    assert.equal((await mallory.connect('MessageService/SendBatch', many))?.reason, 'frameTooLarge');
    const acks = Buffer.concat([Buffer.from([0x0a, 0xe0, 0xc8, 0x07]), empty(62_000, 0x0a)]);
    for (const [rpc, bytes] of [
      ['MessageService/SendBatch', empty(125_000, 0x0a)],
      ['MessageService/AckMessages', acks],
      ['PresenceService/GetPresence', empty(125_000, 0x0a)],
      ['GroupService/AddMembers', empty(125_000, 0x12)],
      ['MessageService/Send', empty(125_000, 0x7a)],
    ] as const)
      assert.equal((await mallory.grpc(rpc, bytes))?.reason, 'frameTooLarge', rpc);
    const response = await fetch(
      `http://127.0.0.1:${server.ports.http}/parley.chat.v1.MessageService/SendBatch`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/proto', 'parley-user': 'mallory' },
        body: empty(2_000_000, 0x0a),
      },
    );
    assert.match(await response.text(), /frameTooLarge|"code":"resource_exhausted"/);
  });

  test('messages that are too large', async () => {
    const text = JSON.stringify({ send: { to: 'ann', clientId, body: { text: 'x'.repeat(5_000_000) } } });
    assert.equal((await mallory.connect('MessageService/Send', text))?.reason, 'frameTooLarge');
    assert.equal(
      (await mallory.grpc('MessageService/Send', new Uint8Array(300_000)))?.reason,
      'frameTooLarge',
    );
    const rest = new Rest(server.ports.http).as('mallory');
    const { reason } = await rest.refused('POST', '/api/v1/messages/send', {
      to: 'ann',
      content: 'x'.repeat(2_000_000),
    });
    assert.equal(reason, 'frameTooLarge');
  });

  test('in a batch each is answered for itself', async () => {
    const sends = [
      { conv_id: 'own', content: 'first', client_id: 'b1' },
      { conv_id: 'closed', content: 'no', client_id: 'b2' },
      { conv_id: 'nowhere', content: 'no', client_id: 'b3' },
      { conv_id: 'own', content: '', client_id: 'b4' },
      { conv_id: 'own', content: 'x', client_id: 'a\nb' },
      { to: 'ann\u0000', content: 'x', client_id: 'b6' },
      { conv_id: 'own', content: 'last', client_id: 'b7' },
    ];
    const rest = new Rest(server.ports.http).as('mallory');
    const { results } = await rest.ok('POST', '/api/v1/messages/send-batch', { sends });
    const said = (results as { code: number; reason?: string }[]).map(({ code, reason }) => reason ?? code);
    const wrong = ['notMember', 'conversationNotFound', 'emptyContent', 'invalidId', 'invalidId'];
    assert.deepEqual(said, [200, ...wrong, 200]);
  });

  test('a name that can’t be one, in a header or in the query', async () => {
    const rest = new Rest(server.ports.http);
    for (const name of ['a\u0000', 'x'.repeat(65), 'e\u0301', '\u2028']) {
      const encoded = encodeURIComponent(name);
      assert.equal((await rest.as(name).refused('GET', '/api/v1/conversations')).reason, 'invalidId');
      const query = `/api/v1/conversations?user_id=${encoded}`;
      assert.equal((await rest.refused('GET', query)).reason, 'invalidId', encoded);
    }
  });

  test('each is counted, and nobody else is the worse for it', async () => {
    const counted = (await Metrics.read(server.ports.metrics)).by('chat_commands_refused_total');
    for (const reason of new Set(rows.map(([, , , each]) => each)))
      assert.ok((counted.get(reason) ?? 0) > 0, reason);
    assert.equal(counted.get('internal') ?? 0, 0);
    await scene.assertUnharmed();
  });
});
