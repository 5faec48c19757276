import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type DecidedEntry,
  type DecidedEntrySchema,
  type GroupDecisionFrame as WireDecisionFrame,
  type GroupDecisionFrameSchema,
  type GroupFacts as WireFacts,
  type GroupFactsSchema,
  type GroupRequestFrame as WireRequestFrame,
  type GroupRequestFrameSchema,
  type GroupRules,
  type GroupRulesSchema,
  LinkGroupRequestSchema,
  LinkGroupResponseSchema,
  type Precondition as WirePrecondition,
  type PreconditionSchema,
} from '../../gen/parley/node/v1/group_link_pb.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { GroupRow } from '../ports/message-store.ts';
import {
  changeOf,
  optionalRole,
  roleOf,
  userIds,
  visibilityOf,
  wireChange,
  wireRole,
  wireVisibility,
} from './group-change-wire.ts';
import type {
  GroupDecisionFrame,
  GroupEntry,
  GroupFacts,
  GroupRequestFrame,
  Precondition,
} from './group-frames.ts';
import { helloOf, type WithHello, wireHello } from './hello.ts';
import { malformed } from './malformed.ts';
import { refusalOf, wireRefusal } from './refusal-wire.ts';
import { tracedBy, wireTrace } from './trace-wire.ts';

/** The frames between message nodes and group nodes, as they are on the wire. */

export function encodeGroupRequests(frames: readonly WithHello<GroupRequestFrame>[]): Uint8Array {
  const message = create(LinkGroupRequestSchema, { frames: frames.map(wireRequest) });
  return toBinary(LinkGroupRequestSchema, message);
}

/** Throws for what is no such message. */
export function decodeGroupRequests(bytes: Uint8Array): WithHello<GroupRequestFrame>[] {
  return fromBinary(LinkGroupRequestSchema, bytes).frames.map(requestOf);
}

export function encodeGroupDecisions(frames: readonly WithHello<GroupDecisionFrame>[]): Uint8Array {
  const message = create(LinkGroupResponseSchema, { frames: frames.map(wireDecision) });
  return toBinary(LinkGroupResponseSchema, message);
}

/** Throws for what is no such message. */
export function decodeGroupDecisions(bytes: Uint8Array): WithHello<GroupDecisionFrame>[] {
  return fromBinary(LinkGroupResponseSchema, bytes).frames.map(decisionOf);
}

function wireRequest(frame: WithHello<GroupRequestFrame>): MessageInitShape<typeof GroupRequestFrameSchema> {
  switch (frame.t) {
    case 'hello':
      return { frame: { case: 'hello', value: wireHello(frame.hello) } };
    case 'decide': {
      const { request, groupId, actor, change, facts, trace } = frame;
      const value = { request, groupId, actor, change: wireChange(change), facts: wireFacts(facts) };
      return { frame: { case: 'decide', value }, ...wireTrace(trace) };
    }
    case 'committed': {
      const { groupId, seq, version } = frame;
      return {
        frame: { case: 'committed', value: { groupId, seq: BigInt(seq), version: BigInt(version) } },
      };
    }
  }
}

function requestOf({ frame, trace }: WireRequestFrame): WithHello<GroupRequestFrame> {
  switch (frame.case) {
    case 'hello':
      return { t: 'hello', hello: helloOf(frame.value) };
    case 'decide': {
      const { request, groupId, actor, change, facts } = frame.value;
      return {
        t: 'decide',
        request,
        groupId: groupId as ConvId,
        actor: actor as UserId,
        change: changeOf(change),
        facts: factsOf(facts),
        ...tracedBy(trace),
      };
    }
    case 'committed': {
      const { groupId, seq, version } = frame.value;
      return { t: 'committed', groupId: groupId as ConvId, seq: Number(seq), version: Number(version) };
    }
    case undefined:
      return malformed('a request to a group node');
  }
}

function wireFacts({
  group,
  memberCount,
  knownCount,
  roles,
}: GroupFacts): MessageInitShape<typeof GroupFactsSchema> {
  return {
    ...(group === undefined ? {} : { group: wireRules(group) }),
    memberCount,
    knownCount,
    standings: [...roles].map(([user, role]) => ({ user, role: wireRole(role) })),
  };
}

function factsOf(wire: WireFacts | undefined): GroupFacts {
  if (wire === undefined) return malformed('the facts');
  return {
    group: wire.group === undefined ? undefined : rulesOf(wire.group),
    memberCount: wire.memberCount,
    knownCount: wire.knownCount,
    roles: new Map(wire.standings.map(({ user, role }) => [user as UserId, optionalRole(role)])),
  };
}

function wireRules(row: GroupRow): MessageInitShape<typeof GroupRulesSchema> {
  const { name, owner, maxMembers, history, memberCount, version } = row;
  return { name, owner, maxMembers, history: wireVisibility(history), memberCount, version: BigInt(version) };
}

function rulesOf({ name, owner, maxMembers, history, memberCount, version }: GroupRules): GroupRow {
  return { name, owner, maxMembers, history: visibilityOf(history), memberCount, version: Number(version) };
}

function wireDecision(
  frame: WithHello<GroupDecisionFrame>,
): MessageInitShape<typeof GroupDecisionFrameSchema> {
  switch (frame.t) {
    case 'hello':
      return { frame: { case: 'hello', value: wireHello(frame.hello) } };
    case 'decided': {
      const { preconditions, entries } = frame.decision;
      return {
        frame: {
          case: 'decided',
          value: {
            request: frame.request,
            preconditions: preconditions.map(wirePrecondition),
            entries: entries.map(wireEntry),
          },
        },
      };
    }
    case 'refused':
      return {
        frame: {
          case: 'refused',
          value: { request: frame.request, refusal: wireRefusal(frame.refusal) },
        },
      };
  }
}

function decisionOf({ frame }: WireDecisionFrame): WithHello<GroupDecisionFrame> {
  switch (frame.case) {
    case 'hello':
      return { t: 'hello', hello: helloOf(frame.value) };
    case 'decided': {
      const { request, preconditions, entries } = frame.value;
      const decision = { preconditions: preconditions.map(preconditionOf), entries: entries.map(entryOf) };
      return { t: 'decided', request, decision };
    }
    case 'refused':
      return { t: 'refused', request: frame.value.request, refusal: refusalOf(frame.value.refusal) };
    case undefined:
      return malformed('an answer of a group node');
  }
}

function wirePrecondition(precondition: Precondition): MessageInitShape<typeof PreconditionSchema> {
  switch (precondition.t) {
    case 'absent':
    case 'exists':
    case 'alone':
      return { precondition: { case: precondition.t, value: {} } };
    case 'role': {
      const { user, role } = precondition;
      return { precondition: { case: 'role', value: { user, role: wireRole(role) } } };
    }
    case 'room':
      return { precondition: { case: 'room', value: { room: precondition.room } } };
  }
}

function preconditionOf({ precondition }: WirePrecondition): Precondition {
  switch (precondition.case) {
    case 'absent':
    case 'exists':
    case 'alone':
      return { t: precondition.case };
    case 'role': {
      const { user, role } = precondition.value;
      return { t: 'role', user: user as UserId, role: optionalRole(role) };
    }
    case 'room':
      return { t: 'room', room: precondition.value.room };
    case undefined:
      return malformed('a precondition');
  }
}

function wireEntry(entry: GroupEntry): MessageInitShape<typeof DecidedEntrySchema> {
  switch (entry.t) {
    case 'groupCreated': {
      const group = wireRules({ ...entry.group, memberCount: 0, version: 0 });
      return { entry: { case: 'created', value: { group, members: [...entry.members] } } };
    }
    case 'groupRenamed':
      return { entry: { case: 'renamed', value: { name: entry.name } } };
    case 'membersAdded':
      return { entry: { case: 'added', value: { users: [...entry.users] } } };
    case 'memberRemoved':
      return { entry: { case: 'removed', value: { user: entry.user, left: entry.left } } };
    case 'roleChanged':
      return { entry: { case: 'roleChanged', value: { user: entry.user, role: wireRole(entry.role) } } };
  }
}

function entryOf({ entry }: DecidedEntry): GroupEntry {
  switch (entry.case) {
    case 'created': {
      const { group, members } = entry.value;
      if (group === undefined) return malformed('the group that is created');
      const { name, owner, maxMembers, history } = rulesOf(group);
      return {
        t: 'groupCreated',
        group: { name, owner, maxMembers, history },
        members: userIds(members),
      };
    }
    case 'renamed':
      return { t: 'groupRenamed', name: entry.value.name };
    case 'added':
      return { t: 'membersAdded', users: userIds(entry.value.users) };
    case 'removed':
      return { t: 'memberRemoved', user: entry.value.user as UserId, left: entry.value.left };
    case 'roleChanged':
      return { t: 'roleChanged', user: entry.value.user as UserId, role: roleOf(entry.value.role) };
    case undefined:
      return malformed('a decided entry');
  }
}
