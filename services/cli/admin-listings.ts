import {
  AdminService,
  DescribeGroupResponseSchema,
  ListSessionsResponseSchema,
} from '../../gen/parley/chat/v1/admin_pb.ts';
import { AuditService, ListAuditRecordsResponseSchema } from '../../gen/parley/chat/v1/audit_pb.ts';
import {
  ClusterService,
  ListHotConversationsResponseSchema,
  ListNodesResponseSchema,
  ListSlowSessionsResponseSchema,
  ListWorkerLeasesResponseSchema,
  type SlowSession,
} from '../../gen/parley/chat/v1/cluster_pb.ts';
import { limitOf, listing, moreAfter, nodesReached, unreached } from './admin-verb.ts';
import { bytes, duration, time } from './amounts.ts';
import { oneValue } from './parse-arguments.ts';
import { printable } from './table.ts';

export const nodes = listing({
  doc: 'all nodes, and what each says of itself',
  schema: ListNodesResponseSchema,
  ask: (client) => client.of(ClusterService).listNodes({}),
  headings: [
    'node',
    'roles',
    'state',
    'address',
    'version',
    'up',
    'load',
    'memory',
    'sessions',
    'owns',
    'clock',
    'problem',
  ],
  rows: (answer) =>
    answer.nodes.map(({ id, leases: held, figures, problem, clockSkewMs }) => [
      id,
      (figures?.roles ?? held.map(({ role }) => role)).join(' '),
      [...new Set(held.map(({ state }) => state))].join(' ') || 'alone',
      held[0]?.address ?? '',
      figures?.version ?? '',
      figures === undefined ? '' : duration(figures.nowMs - figures.startedAtMs),
      held.length === 0 ? '' : `${Math.round(100 * Math.max(...held.map(({ load }) => load)))} %`,
      figures === undefined ? '' : bytes(figures.residentBytes),
      figures?.connection === undefined
        ? ''
        : String(figures.connection.transports.reduce((sum, of) => sum + of.sessions, 0)),
      figures?.message === undefined ? '' : String(figures.message.ownedConversations),
      figures === undefined ? '' : `${Math.round(clockSkewMs)} ms`,
      problem,
    ]),
  beside: nodesReached,
});

export const queues = listing({
  doc: 'what waits on each node, and on its links',
  schema: ListNodesResponseSchema,
  ask: (client) => client.of(ClusterService).listNodes({}),
  headings: ['node', 'queue', 'items', 'bytes', 'limit'],
  rows: (answer) =>
    answer.nodes.flatMap(({ id, figures }) => [
      ...(figures?.queues ?? []).map(({ name, items, bytes: waiting, limit }) => [
        id,
        name,
        String(items),
        bytes(waiting),
        limit === 0n ? '' : bytes(limit),
      ]),
      ...(figures?.links ?? []).map(({ kind, nodeId, queuedBytes }) => [
        id,
        `link ${kind} ${nodeId}`,
        '',
        bytes(queuedBytes),
        '',
      ]),
    ]),
  beside: nodesReached,
});

export const sessions = listing({
  operands: 'USER',
  doc: 'the sessions of a user',
  schema: ListSessionsResponseSchema,
  ask: (client, [userId = '']) => client.of(AdminService).listSessions({ userId }),
  headings: ['device', 'node', 'session', 'since'],
  rows: (answer) =>
    answer.sessions.map(({ deviceId, nodeId, session, sinceMs }) => [
      printable(deviceId),
      nodeId,
      String(session),
      time(sinceMs),
    ]),
  beside: (answer) => ({ note: `${answer.sessions.length} sessions` }),
});

export const hot = listing({
  doc: 'the conversations with most entries a second',
  schema: ListHotConversationsResponseSchema,
  ask: (client, _operands, args) => client.of(ClusterService).listHotConversations({ limit: limitOf(args) }),
  headings: ['conversation', 'node', 'entries/s', 'too high by'],
  rows: (answer) =>
    answer.conversations.map(({ convId, nodeId, perSecond, errorPerSecond }) => [
      printable(convId),
      nodeId,
      perSecond.toFixed(1),
      errorPerSecond.toFixed(1),
    ]),
  beside: ({ unreachable }) => unreached(unreachable),
});

export const slow = listing({
  doc: 'sessions that do not keep up, and those closed for it',
  schema: ListSlowSessionsResponseSchema,
  ask: (client, _operands, args) => client.of(ClusterService).listSlowSessions({ limit: limitOf(args) }),
  headings: ['is', 'user', 'device', 'node', 'by', 'why', 'for', 'unacknowledged'],
  rows: (answer) => [
    ...answer.now.map((session) => slowRow('slow', session)),
    ...answer.closed.map((session) => slowRow('closed', session)),
  ],
  beside: ({ unreachable }) => unreached(unreachable),
});

function slowRow(state: string, session: SlowSession): string[] {
  const { userId, deviceId, nodeId, transport, reason, forMs, unackedBytes } = session;
  return [
    state,
    printable(userId),
    printable(deviceId),
    nodeId,
    transport,
    reason,
    duration(forMs),
    bytes(unackedBytes),
  ];
}

export const leases = listing({
  doc: 'worker leases of the store',
  schema: ListWorkerLeasesResponseSchema,
  ask: (client) => client.of(ClusterService).listWorkerLeases({}),
  headings: ['worker', 'is', 'holder', 'reserved until'],
  rows: (answer) =>
    answer.leases.map(({ worker, holder, reservedUntilMs, held }) => [
      String(worker),
      held ? 'held' : 'lapsed',
      holder,
      time(reservedUntilMs),
    ]),
});

export const group = listing({
  operands: 'GROUP',
  doc: 'a group and its members, from --after on',
  schema: DescribeGroupResponseSchema,
  ask: (client, [groupId = ''], args) =>
    client.of(AdminService).describeGroup({
      groupId,
      pageSize: limitOf(args),
      pageToken: oneValue(args, 'after') ?? '',
    }),
  above: ({ name, owner, memberCount, maxMembers, headSeq }) =>
    `${printable(name)}: ${memberCount} of ${maxMembers} members, owned by ${printable(owner) || 'nobody'}, ${headSeq} entries`,
  headings: ['user', 'role', 'since seq'],
  rows: (answer) =>
    answer.members.map(({ userId, role, joinedSeq }) => [printable(userId), role, String(joinedSeq)]),
  beside: ({ nextPageToken }) => moreAfter(nextPageToken),
});

export const audit = listing({
  doc: 'administrative acts, the newest first; issued tokens with --tokens; older ones with --after',
  schema: ListAuditRecordsResponseSchema,
  ask: (client, _operands, args) =>
    client.of(AuditService).listAuditRecords({
      pageSize: limitOf(args),
      pageToken: oneValue(args, 'after') ?? '',
      includeIssuedTokens: args.flags.has('tokens'),
    }),
  headings: ['when', 'who', 'what', 'whom', 'result', 'why', 'from', 'node', 'details'],
  rows: (answer) =>
    answer.records.map((record) => [
      time(record.atMs),
      printable(record.actor),
      record.action,
      printable(record.target),
      record.result,
      record.reason,
      record.remoteAddress,
      record.nodeId,
      Object.entries(record.details)
        .map(([name, value]) => `${name}=${printable(value)}`)
        .join(' '),
    ]),
  beside: ({ nextPageToken }) => moreAfter(nextPageToken),
});
