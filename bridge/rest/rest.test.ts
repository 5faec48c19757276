import assert from 'node:assert/strict';
import { create } from '@bufbuild/protobuf';
import { IssueTokenResponseSchema, RevokeTokensResponseSchema } from '../../gen/parley/chat/v1/admin_pb.ts';
import {
  GetConversationResponseSchema,
  ListConversationsResponseSchema,
  MarkReadResponseSchema,
} from '../../gen/parley/chat/v1/conversation_pb.ts';
import {
  DevicePlatform,
  GetPushInfoResponseSchema,
  GetPushSettingsResponseSchema,
  ListDevicesResponseSchema,
  RegisterDeviceResponseSchema,
  RemoveDeviceResponseSchema,
  SetPushSettingsResponseSchema,
  SilenceConversationResponseSchema,
} from '../../gen/parley/chat/v1/device_pb.ts';
import { ConversationKind, Role } from '../../gen/parley/chat/v1/entry_pb.ts';
import {
  AddMembersResponseSchema,
  CreateGroupResponseSchema,
  GetGroupResponseSchema,
  HistoryVisibility,
  LeaveGroupResponseSchema,
  ListMembersResponseSchema,
  RemoveMemberResponseSchema,
  RenameGroupResponseSchema,
  SetRoleResponseSchema,
} from '../../gen/parley/chat/v1/group_pb.ts';
import { AllocateIdsResponseSchema } from '../../gen/parley/chat/v1/id_pb.ts';
import {
  AckMessagesResponseSchema,
  GetMessageResponseSchema,
  ListMessagesResponseSchema,
  RecallMessageResponseSchema,
  SendBatchResponseSchema,
  SendResponseSchema,
} from '../../gen/parley/chat/v1/message_pb.ts';
import { GetPresenceResponseSchema, IsOnlineResponseSchema } from '../../gen/parley/chat/v1/presence_pb.ts';
import { doorTest } from '../testing/bridge-fixture.ts';
import { entry } from '../testing/frames.ts';
import { ask, type Call, scripted } from '../testing/rest-kit.ts';
import { routes } from './routes.ts';

const sent = { convId: 'g', seq: 5n, msgId: 2n ** 62n, createdAtMs: 1_700_000_000_250n };
const sentAnswer = {
  code: 200,
  msg_id: '4611686018427387904',
  conv_id: 'g',
  seq: 5,
  timestamp: 1_700_000_000.25,
  duplicate: false,
};
const groupMessage = {
  groupId: 'g',
  name: 'G',
  owner: 'ann',
  memberCount: 2,
  maxMembers: 500,
  history: HistoryVisibility.ALL,
  version: 3n,
  role: Role.OWNER,
};
const device = {
  deviceId: 'p',
  platform: DevicePlatform.ANDROID,
  name: 'P',
  provider: 'fcm',
  registeredAtMs: 1_500n,
  lastSeenAtMs: 2_500n,
};
const deviceAnswer = {
  device_id: 'p',
  platform: 'android',
  name: 'P',
  provider: 'fcm',
  registered_at: 1.5,
  last_seen: 2.5,
};
const settings = {
  silencedUntilMs: 1_500n,
  quietHours: { fromMinute: 22 * 60 + 5, toMinute: 7 * 60, timeZone: 'Europe/Berlin' },
};
const settingsAnswer = {
  silenced_until: 1.5,
  quiet_hours: { from: '22:05', to: '07:00', time_zone: 'Europe/Berlin' },
};
const groupAnswer = {
  group_id: 'g',
  name: 'G',
  owner: 'ann',
  member_count: 2,
  max_members: 500,
  history: 'all',
  version: '3',
  role: 'owner',
};

doorTest('sending: target, key, caller and answer', async (start) => {
  await using fixture = await start();
  const calls = scripted(fixture, { Send: () => create(SendResponseSchema, { sent }) });
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const headers = { 'idempotency-key': 'k1', authorization: 'Bearer jwt', traceparent };
  assert.deepEqual(
    await ask(fixture, 'POST /messages/send', { conv_id: 'g', content: 'hi' }, headers),
    sentAnswer,
  );
  assert.deepEqual(calls[0]?.context, {
    bearer: 'jwt',
    user: undefined,
    remoteAddress: '127.0.0.1',
    traceparent,
  });
  const sendOf = (call: Call | undefined) => call?.request.send as Record<string, Record<string, unknown>>;
  assert.equal(sendOf(calls[0]).clientId, 'k1');
  await ask(fixture, 'POST /messages/send?user_id=%C3%A4nn', { group_id: 7, content: 'hi', sender: 'eve' });
  assert.deepEqual(sendOf(calls[1]).target, { case: 'convId', value: '7' });
  assert.equal(String(sendOf(calls[1]).clientId).length, 36);
  assert.equal(calls[1]?.context.user, 'änn');
  const full = {
    to: 'bob',
    content: '<b>',
    content_type: 'text/html',
    reply_to_seq: 3,
    attributes: { a: 'b' },
    client_id: 'c1',
  };
  await ask(fixture, 'POST /messages/send', full, { 'parley-user': 'ann' });
  const last = sendOf(calls[2]);
  assert.deepEqual([last.target, last.clientId], [{ case: 'to', value: 'bob' }, 'c1']);
  const { contentType, content, replyToSeq, attributes } = last.body as Record<string, unknown>;
  assert.deepEqual([contentType, replyToSeq, attributes], ['text/html', 3n, { a: 'b' }]);
  assert.deepEqual(content, { case: 'text', value: '<b>' });
});

doorTest('every route becomes its call', async (start) => {
  await using fixture = await start();
  const state = {
    convId: 'd_1',
    kind: ConversationKind.DIRECT,
    peer: 'bob',
    headSeq: 9n,
    unread: 2n,
    entries: [entry({ convId: 'd_1', seq: 9, sender: 'bob', text: 'yo' })],
  };
  const list = [
    entry({ convId: 'g', seq: 1, sender: 'bob' }),
    entry({ convId: 'g', seq: 2, sender: 'bob', text: 'yo' }),
  ];
  const calls = scripted(fixture, {
    Send: () => create(SendResponseSchema, { sent }),
    SendBatch: () =>
      create(SendBatchResponseSchema, {
        results: [
          { result: { case: 'sent', value: sent } },
          { result: { case: 'error', value: { code: 7, reason: 'notMember', retry: 1, message: 'no' } } },
        ],
      }),
    AckMessages: () => create(AckMessagesResponseSchema),
    ListConversations: () =>
      create(ListConversationsResponseSchema, { conversations: [state], nextPageToken: 'n' }),
    GetConversation: () => create(GetConversationResponseSchema, { conversation: state }),
    ListMessages: () =>
      create(ListMessagesResponseSchema, { entries: { entries: list, headSeq: 2n, more: true } }),
    GetMessage: () => create(GetMessageResponseSchema, { entry: list[0] }),
    RecallMessage: () => create(RecallMessageResponseSchema, { sent }),
    MarkRead: () => create(MarkReadResponseSchema, { readSeq: 4n }),
    CreateGroup: () => create(CreateGroupResponseSchema, { group: groupMessage }),
    GetGroup: () => create(GetGroupResponseSchema, { group: groupMessage }),
    RenameGroup: () => create(RenameGroupResponseSchema, { seq: 6n }),
    ListMembers: () =>
      create(ListMembersResponseSchema, { members: [{ userId: 'ann', role: Role.ADMIN, joinedSeq: 1n }] }),
    AddMembers: () => create(AddMembersResponseSchema, { seq: 6n }),
    RemoveMember: () => create(RemoveMemberResponseSchema, { seq: 6n }),
    SetRole: () => create(SetRoleResponseSchema, { seq: 6n }),
    LeaveGroup: () => create(LeaveGroupResponseSchema, { seq: 6n }),
    GetPresence: () =>
      create(GetPresenceResponseSchema, { users: [{ userId: 'bob', lastSeenAtMs: 1_500n }] }),
    IsOnline: () => create(IsOnlineResponseSchema, { users: [{ userId: 'bob', online: true, sessions: 2 }] }),
    RevokeTokens: () => create(RevokeTokensResponseSchema, { issuedUntilMs: 1_500n, endsAtMs: 2_500n }),
    GetPushInfo: () => create(GetPushInfoResponseSchema, { webPushKey: Uint8Array.of(4, 255) }),
    RegisterDevice: () => create(RegisterDeviceResponseSchema, { device }),
    ListDevices: () => create(ListDevicesResponseSchema, { devices: [device] }),
    RemoveDevice: () => create(RemoveDeviceResponseSchema, { removed: true }),
    GetPushSettings: () =>
      create(GetPushSettingsResponseSchema, { settings, silenced: [{ convId: 'g', untilMs: 2_500n }] }),
    SetPushSettings: () => create(SetPushSettingsResponseSchema, { settings }),
    SilenceConversation: () => create(SilenceConversationResponseSchema, { untilMs: 2_500n }),
    IssueToken: () => create(IssueTokenResponseSchema, { token: 'jwt', expiresAtMs: 2_500n }),
    AllocateIds: () => create(AllocateIdsResponseSchema, { ids: [2n ** 62n] }),
  });
  const k = { 'idempotency-key': 'k' };
  const message = {
    conv_id: 'g',
    seq: 2,
    msg_id: '1002',
    user_id: 'bob',
    timestamp: 1_700_000_000.25,
    revision: 0,
    client_id: '',
    type: 'message',
    content: 'yo',
    content_type: 'text/plain',
  };
  const renamed = { type: 'group_renamed', detail: { name: 'new' } };
  const conversation = {
    conv_id: 'd_1',
    kind: 'direct',
    peer: 'bob',
    member_count: 0,
    head_seq: 9,
    unread: 2,
    read_seq: 0,
    delivered_seq: 0,
    joined_seq: 0,
    entries: [{ ...message, conv_id: 'd_1', seq: 9, msg_id: '1009' }],
  };
  const changed = { code: 200, seq: 6 };
  const cases: [string, unknown, string, Record<string, unknown>, Record<string, unknown>][] = [
    ['POST /messages/send', { conv_id: 'g', content: 'hi' }, 'Send', {}, sentAnswer],
    [
      'POST /messages/send-batch',
      {
        sends: [
          { to: 'bob', content: 'a', client_id: '1' },
          { conv_id: 'x', content: 'b', client_id: 2 },
        ],
      },
      'SendBatch',
      {},
      {
        code: 200,
        results: [
          sentAnswer,
          { code: 403, reason: 'notMember', message: 'no', retry: 'never', retry_after_ms: 0, field: '' },
        ],
      },
    ],
    ['POST /messages/ack', { msg_id: '12' }, 'AckMessages', {}, { code: 200 }],
    ['POST /messages/ack', { items: [{ conv_id: 'g', seq: 4 }] }, 'AckMessages', {}, { code: 200 }],
    [
      'GET /conversations?page_size=3&page_token=t',
      undefined,
      'ListConversations',
      { pageSize: 3, pageToken: 't' },
      { code: 200, conversations: [conversation], next_page_token: 'n' },
    ],
    [
      'GET /conversations/d_1',
      undefined,
      'GetConversation',
      { target: { case: 'convId', value: 'd_1' } },
      { code: 200, conversation },
    ],
    [
      'GET /direct/b%2Fb',
      undefined,
      'GetConversation',
      { target: { case: 'peer', value: 'b/b' } },
      { code: 200, conversation },
    ],
    [
      'GET /conversations/g/messages',
      undefined,
      'ListMessages',
      {},
      {
        code: 200,
        conv_id: 'g',
        entries: [
          { ...message, seq: 1, msg_id: '1001', content: undefined, content_type: undefined, ...renamed },
          message,
        ],
        head_seq: 2,
        more: true,
      },
    ],
    [
      'GET /conversations/g/messages/1',
      undefined,
      'GetMessage',
      {},
      {
        code: 200,
        entry: {
          ...message,
          seq: 1,
          msg_id: '1001',
          content: undefined,
          content_type: undefined,
          ...renamed,
        },
      },
    ],
    ['DELETE /conversations/g/messages/1', undefined, 'RecallMessage', {}, sentAnswer],
    [
      'POST /conversations/g/read',
      { seq: 4 },
      'MarkRead',
      { convId: 'g', seq: 4n },
      { code: 200, read_seq: 4 },
    ],
    [
      'POST /groups',
      { name: 'G', members: ['bob', 3], history: 'all' },
      'CreateGroup',
      { groupId: '', name: 'G', members: ['bob', '3'], maxMembers: 0, history: 2, clientId: 'k' },
      { code: 200, group_id: 'g', group: groupAnswer },
    ],
    ['GET /groups/g', undefined, 'GetGroup', { groupId: 'g' }, { code: 200, group: groupAnswer }],
    ['PATCH /groups/g', { name: 'H' }, 'RenameGroup', { groupId: 'g', name: 'H', clientId: 'k' }, changed],
    [
      'GET /groups/g/members',
      undefined,
      'ListMembers',
      { groupId: 'g', pageSize: 0, pageToken: '' },
      {
        code: 200,
        members: [{ user_id: 'ann', role: 'admin', joined_seq: 1, delivered_seq: 0, read_seq: 0 }],
        next_page_token: '',
      },
    ],
    [
      'POST /groups/g/members',
      { users: ['bob'] },
      'AddMembers',
      { groupId: 'g', users: ['bob'], clientId: 'k' },
      changed,
    ],
    [
      'DELETE /groups/g/members/bob',
      undefined,
      'RemoveMember',
      { groupId: 'g', userId: 'bob', clientId: 'k' },
      changed,
    ],
    [
      'PUT /groups/g/members/bob/role',
      { role: 'admin' },
      'SetRole',
      { groupId: 'g', userId: 'bob', role: Role.ADMIN, clientId: 'k' },
      changed,
    ],
    ['POST /groups/g/leave', undefined, 'LeaveGroup', { groupId: 'g', clientId: 'k' }, changed],
    [
      'POST /presence',
      { user_ids: ['bob'] },
      'GetPresence',
      { userIds: ['bob'] },
      { code: 200, users: [{ user_id: 'bob', online: false, last_seen: 1.5 }] },
    ],
    [
      'POST /presence/sessions',
      { user_ids: ['bob'] },
      'IsOnline',
      { userIds: ['bob'] },
      { code: 200, users: [{ user_id: 'bob', online: true, sessions: 2 }] },
    ],
    [
      'POST /tokens/revoke',
      { user_id: 7, ends_at: 2.5 },
      'RevokeTokens',
      { userId: '7', deviceId: '', endsAtMs: 2_500n },
      { code: 200, issued_until: 1.5, ends_at: 2.5 },
    ],
    [
      'POST /tokens',
      { user_id: 'ann' },
      'IssueToken',
      { userId: 'ann', ttlSeconds: 0 },
      { code: 200, token: 'jwt', expires_at: 2.5 },
    ],
    ['GET /push', undefined, 'GetPushInfo', {}, { code: 200, web_push_key: 'BP8' }],
    [
      'PUT /devices/phone%201',
      { platform: 'android', name: 'P', target: { provider: 'fcm', token: 't' } },
      'RegisterDevice',
      { deviceId: 'phone 1', platform: 2, name: 'P' },
      { code: 200, device: deviceAnswer },
    ],
    ['GET /devices', undefined, 'ListDevices', {}, { code: 200, devices: [deviceAnswer] }],
    ['DELETE /devices/p', undefined, 'RemoveDevice', { deviceId: 'p' }, { code: 200, removed: true }],
    [
      'GET /push/settings',
      undefined,
      'GetPushSettings',
      {},
      { code: 200, settings: settingsAnswer, silenced: [{ conv_id: 'g', until: 2.5 }] },
    ],
    [
      'PUT /push/settings',
      { silenced_until: 1.5, quiet_hours: { from: '22:05', to: '07:00', time_zone: 'Europe/Berlin' } },
      'SetPushSettings',
      {},
      { code: 200, settings: settingsAnswer },
    ],
    [
      'PUT /conversations/g/silence',
      { until: 2.5 },
      'SilenceConversation',
      { convId: 'g', untilMs: 2_500n },
      { code: 200, until: 2.5 },
    ],
    ['POST /ids', {}, 'AllocateIds', { count: 0 }, { code: 200, ids: ['4611686018427387904'] }],
  ];
  const seen = new Set<string>();
  for (const [line, body, method, request, answer] of cases) {
    assert.deepEqual(await ask(fixture, line, body, k), JSON.parse(JSON.stringify(answer)), line);
    const call = calls.at(-1);
    assert.equal(call?.rpc.split('/')[1], method);
    for (const [name, value] of Object.entries(request))
      assert.deepEqual(call?.request[name], value, `${line} ${name}`);
    seen.add(method);
    const served = routes.find((one) => fits(one.method, one.path, line));
    assert.ok(served?.output.safeParse(answer).success, `${line} answers as it is described`);
  }
  assert.equal(
    new Set(cases.map(([line]) => routes.find((one) => fits(one.method, one.path, line)))).size,
    routes.length,
  );
  assert.equal(calls[0]?.rpc, 'parley.chat.v1.MessageService/Send');
});

function fits(method: string, path: string, line: string): boolean {
  const [wanted, url] = line.split(' ') as [string, string];
  const pattern = new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`);
  return method === wanted && pattern.test(`/api/v1${url.split('?')[0]}`);
}
