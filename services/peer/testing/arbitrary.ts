import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  ListDevicesResponseSchema,
  RegisterDeviceRequestSchema,
  RemoveDeviceRequestSchema,
  RemoveDeviceResponseSchema,
  SilenceConversationRequestSchema,
} from '../../../gen/parley/chat/v1/device_pb.ts';
import type { ConvId, UserId } from '../../core/ids.ts';
import type { TraceContext } from '../../core/trace-context.ts';
import { byteString } from '../../core/byte-string.ts';
import type { Role } from '../../ports/message-store.ts';
import type { AckState } from '../../ports/session-acks.ts';
import type {
  AskAcksFrame,
  ConversationView,
  DeviceRequest,
  DeviceResponse,
  EdgeFrame,
  GroupChange,
  GroupView,
  LogEntry,
  Operation,
  OwnerFrame,
  Refusal,
  Result,
  SessionAcksFrame,
} from '../edge-frames.ts';
import type { GroupDecisionFrame, GroupEntry, GroupRequestFrame, Precondition } from '../group-frames.ts';
import type { PeerAnswerFrame, PeerQuestionFrame } from '../peer-frames.ts';
import type { Hello, WithHello } from '../hello.ts';

/** Every frame that nodes may say to each other, at random. */

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(model, { noNullPrototype: true });
const text = fc.string({ unit: 'binary', maxLength: 20 });
/** Ids are never empty: an empty one stands for none on the wire. */
const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
const user = id as fc.Arbitrary<UserId>;
const conv = id as fc.Arbitrary<ConvId>;
const seq = fc.maxSafeInteger().map(Math.abs);
const number = fc.nat(0xffff_ffff);
const big = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const flag = fc.boolean();
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const few = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { maxLength: 3 });
const role = fc.constantFrom<Role>('member', 'admin', 'owner');
const history = fc.constantFrom<'sinceJoin' | 'all'>('sinceJoin', 'all');
const is = <T extends string>(t: T) => fc.constant(t);

const hex = (digits: number) =>
  fc
    .uint8Array({ minLength: digits / 2, maxLength: digits / 2 })
    .map((bytes) => Buffer.from(bytes).toString('hex'));
const trace: fc.Arbitrary<TraceContext> = record({ traceId: hex(32), spanId: hex(16) });

/** As it is, or as one of a sampled command. */
const traced = <T extends object>(
  arbitrary: fc.Arbitrary<T>,
): fc.Arbitrary<T & { readonly trace?: TraceContext }> =>
  fc
    .tuple(arbitrary, maybe(trace))
    .map(([value, of]) => (of === undefined ? value : { ...value, trace: of }));

const hello: fc.Arbitrary<{ readonly t: 'hello'; readonly hello: Hello }> = record({
  t: is('hello'),
  hello: record({ version: number, nodeId: text, incarnation: seq, clusterToken: text, storeEpoch: text }),
});

export const entry: fc.Arbitrary<LogEntry> = record({
  convId: conv,
  seq,
  msgId: big,
  sender: text,
  createdAtMs: seq,
  ord: seq,
  revision: number,
  content: fc.uint8Array({ maxLength: 200 }).map(byteString),
});

const change: fc.Arbitrary<GroupChange> = fc.oneof(
  record({ t: is('create'), name: text, members: few(user), maxMembers: number, history }),
  record({ t: is('ensure') }),
  record({ t: is('rename'), name: text }),
  record({ t: is('add'), users: few(user) }),
  record({ t: is('remove'), user }),
  record({ t: is('expel'), user }),
  record({ t: is('leave') }),
  record({ t: is('setRole'), user, role }),
);

const told = record({ incarnation: seq, atMs: seq });

const known = record({
  convId: conv,
  headSeq: seq,
  headMsgId: big,
  rev: big,
  readSeq: seq,
  deliveredSeq: seq,
  peerReadSeq: seq,
  peerDeliveredSeq: seq,
});

const send = record({
  t: is('send'),
  convId: conv,
  peer: maybe(user),
  clientId: text,
  body: fc.uint8Array({ maxLength: 200 }),
  chain: number,
});

const bytes = fc.uint8Array({ maxLength: 70 });

const deviceRequest: fc.Arbitrary<DeviceRequest> = fc.oneof(
  fc
    .record({
      deviceId: text,
      platform: fc.constantFrom(1, 2, 3, 4),
      name: text,
      endpoint: text,
      key: bytes,
      auth: bytes,
    })
    .map(({ endpoint, key, auth, ...device }) => {
      const target = { case: 'webPush' as const, value: { endpoint, p256dh: key, auth } };
      return { case: 'register' as const, value: create(RegisterDeviceRequestSchema, { ...device, target }) };
    }),
  text.map((deviceId) => ({
    case: 'remove' as const,
    value: create(RemoveDeviceRequestSchema, { deviceId }),
  })),
  fc.record({ convId: text, untilMs: seq.map(BigInt) }).map((silence) => ({
    case: 'silence' as const,
    value: create(SilenceConversationRequestSchema, silence),
  })),
);

const deviceResponse: fc.Arbitrary<DeviceResponse> = fc.oneof(
  few(fc.record({ deviceId: text, name: text, lastSeenAtMs: seq.map(BigInt) })).map((devices) => ({
    case: 'list' as const,
    value: create(ListDevicesResponseSchema, { devices }),
  })),
  flag.map((removed) => ({
    case: 'remove' as const,
    value: create(RemoveDeviceResponseSchema, { removed }),
  })),
);

const askAcks = record<AskAcksFrame>({
  t: is('askSessionAcks'),
  call: seq,
  convId: conv,
  seq,
  users: few(user),
});
const sessionAcks = record<SessionAcksFrame>({
  t: is('sessionAcks'),
  call: seq,
  sessions: few(
    record({
      userId: user,
      deviceId: text,
      state: fc.constantFrom<AckState>('owing', 'acknowledged', 'unknown'),
    }),
  ),
});

const operation: fc.Arbitrary<Operation> = fc.oneof(
  send,
  record({ t: is('recall'), convId: conv, seq, clientId: text }),
  record({ t: is('read'), convId: conv, seq }),
  record({ t: is('ack'), convId: conv, seq }),
  record({ t: is('list'), convId: conv, fromSeq: seq, limit: number, backward: flag }),
  record({ t: is('get'), convId: conv, seq }),
  record({ t: is('locate'), msgId: big }),
  record({ t: is('sync'), epoch: text, known: few(known), entries: number }),
  record({ t: is('conversations'), after: maybe(conv), limit: number }),
  record({ t: is('conversation'), convId: conv, peer: maybe(user) }),
  record({ t: is('group'), groupId: conv, clientId: text, change }),
  record({ t: is('getGroup'), groupId: conv }),
  record({ t: is('members'), groupId: conv, after: maybe(user), limit: number }),
  record({ t: is('presence'), users: few(user) }),
  record({ t: is('ids'), count: number }),
  record({ t: is('groupId'), clientId: text }),
  record({ t: is('device'), request: deviceRequest }),
);

const delivered = record({
  t: is('delivered'),
  items: fc.array(record({ convId: conv, userId: user, seq }), { maxLength: 6 }),
});

/** Those that come with every message. */
export const hotEdgeFrame: fc.Arbitrary<WithHello<EdgeFrame>> = fc.oneof(
  traced(record({ t: is('command'), call: seq, session: seq, userId: user, op: send })),
  delivered,
);

export const edgeFrame: fc.Arbitrary<WithHello<EdgeFrame>> = fc.oneof(
  hello,
  traced(record({ t: is('command'), call: seq, session: seq, userId: user, op: operation })),
  delivered,
  record({ t: is('sessionUp'), session: seq, userId: user, deviceId: text, ageMs: seq }),
  record({ t: is('sessionDown'), session: seq }),
  record({ t: is('snapshot'), oldestMs: seq, told: maybe(told) }),
  record({ t: is('snapshotEnd') }),
  record({ t: is('typing'), convId: conv, userId: user, active: flag }),
  record({ t: fc.constantFrom('watch', 'unwatch'), users: few(user) }),
  record({ t: is('audienceUnknown'), audience: seq, convId: conv, seq }),
  record({ t: is('pull'), convId: conv, fromSeq: seq, toSeq: seq }),
  sessionAcks,
);

const refusal: fc.Arbitrary<Refusal> = record({
  reason: fc.constantFrom('notMember', 'overloaded', 'internal'),
  message: text,
  field: text,
  retryAfterMs: number,
});

const groupView: fc.Arbitrary<GroupView> = record({
  groupId: conv,
  name: text,
  owner: text,
  memberCount: number,
  maxMembers: number,
  history,
  version: seq,
  role,
});

const view: fc.Arbitrary<ConversationView> = record({
  convId: conv,
  kind: fc.constantFrom('direct', 'group'),
  peer: maybe(user),
  name: text,
  role,
  memberCount: number,
  headSeq: seq,
  headMsgId: big,
  joinedSeq: seq,
  leftSeq: seq,
  unread: seq,
  readSeq: seq,
  deliveredSeq: seq,
  peerReadSeq: seq,
  peerDeliveredSeq: seq,
  rev: big,
  entries: few(entry),
  gapFromSeq: seq,
  startOver: flag,
});

const member = record({ userId: user, role, joinedSeq: seq, deliveredSeq: seq, readSeq: seq });
const presence = record({ userId: user, online: flag, lastSeenAtMs: seq });

const sent = record({
  t: is('sent'),
  convId: conv,
  seq,
  msgId: big,
  createdAtMs: seq,
  duplicate: flag,
});

const result: fc.Arbitrary<Result> = fc.oneof(
  sent,
  record({ t: is('read'), readSeq: seq }),
  record({ t: is('page'), convId: conv, entries: few(entry), headSeq: seq, more: flag }),
  record({ t: is('place'), convId: conv, seq }),
  record({
    t: is('conversations'),
    conversations: few(view),
    removed: few(conv),
    next: maybe(conv),
  }),
  record({ t: is('groupChanged'), seq, group: maybe(groupView) }),
  record({ t: is('group'), group: groupView }),
  record({ t: is('members'), members: few(member), next: maybe(user) }),
  record({ t: is('presence'), users: few(presence) }),
  record({ t: is('ids'), ids: few(big) }),
  record({ t: is('device'), response: deviceResponse }),
);

const entryFrame = record({ t: is('entry'), audience: seq, incarnation: seq, entry: traced(entry) });
const cursorFrame = record({
  t: is('cursor'),
  convId: conv,
  userId: user,
  deliveredSeq: seq,
  readSeq: seq,
  to: few(user),
});

/** Those that come with every message. */
export const hotOwnerFrame: fc.Arbitrary<WithHello<OwnerFrame>> = fc.oneof(
  record({ t: is('reply'), call: seq, result: sent }),
  entryFrame,
  cursorFrame,
);

export const ownerFrame: fc.Arbitrary<WithHello<OwnerFrame>> = fc.oneof(
  hello,
  record({ t: is('reply'), call: seq, result }),
  record({ t: is('refused'), call: seq, refusal }),
  record({
    t: is('audience'),
    audience: seq,
    convId: conv,
    nextSeq: seq,
    whole: flag,
    users: few(record({ userId: user, firstSeq: seq, lastSeq: seq })),
    gone: few(user),
    knownSeq: seq,
  }),
  entryFrame,
  record({ t: fc.constantFrom('registered', 'superseded', 'stale'), session: seq }),
  record({ t: is('told'), until: told }),
  cursorFrame,
  record({ t: is('receipts'), audience: seq, convId: conv, seq, delivered: number, read: number }),
  record({ t: is('typing'), audience: seq, convId: conv, userId: user, active: flag }),
  presence.map((one) => ({ t: 'presence' as const, ...one })),
  record({ t: is('reset'), epoch: text }),
  askAcks,
);

const rules = { name: text, owner: text, maxMembers: number, history };

export const groupRequest: fc.Arbitrary<WithHello<GroupRequestFrame>> = fc.oneof(
  hello,
  traced(
    record({
      t: is('decide'),
      request: number,
      groupId: conv,
      actor: user,
      change,
      facts: record({
        group: maybe(record({ ...rules, memberCount: number, version: seq })),
        memberCount: number,
        knownCount: number,
        roles: few(fc.tuple(user, maybe(role))).map((pairs) => new Map(pairs)),
      }),
    }),
  ),
  record({ t: is('committed'), groupId: conv, seq, version: seq }),
);

const precondition: fc.Arbitrary<Precondition> = fc.oneof(
  record({ t: fc.constantFrom('absent', 'exists', 'alone') }),
  record({ t: is('role'), user, role: maybe(role) }),
  record({ t: is('room'), room: number }),
);

const groupEntry: fc.Arbitrary<GroupEntry> = fc.oneof(
  record({ t: is('groupCreated'), group: record(rules), members: few(user) }),
  record({ t: is('groupRenamed'), name: text }),
  record({ t: is('membersAdded'), users: few(user) }),
  record({ t: is('memberRemoved'), user, left: flag }),
  record({ t: is('roleChanged'), user, role }),
);

export const groupDecision: fc.Arbitrary<WithHello<GroupDecisionFrame>> = fc.oneof(
  hello,
  record({
    t: is('decided'),
    request: number,
    decision: record({ preconditions: few(precondition), entries: few(groupEntry) }),
  }),
  record({ t: is('refused'), request: number, refusal }),
);

const span = record({ convNo: big, convId: conv, firstSeq: seq, lastSeq: seq });

export const peerQuestion: fc.Arbitrary<WithHello<PeerQuestionFrame>> = fc.oneof(
  hello,
  record({ t: is('forward'), call: number, spans: few(span) }),
  record({ t: is('askOffline'), call: number, users: few(user) }),
  traced(record({ t: is('command'), call: number, userId: user, op: operation, epoch: text })),
  askAcks,
);

export const peerAnswer: fc.Arbitrary<WithHello<PeerAnswerFrame>> = fc.oneof(
  hello,
  record({ t: is('forwarded'), call: number, places: few(number) }),
  record({ t: is('offline'), call: number, users: few(user) }),
  record({ t: is('reply'), call: number, result }),
  record({ t: is('refused'), call: number, refusal }),
  sessionAcks,
);
