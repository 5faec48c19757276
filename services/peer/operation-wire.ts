import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  EdgeCommand,
  EdgeCommandSchema,
  KnownConversation as WireKnown,
  KnownConversationSchema,
} from '../../gen/parley/node/v1/owner_link_pb.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { KnownConversation, Operation } from './edge-frames.ts';
import { changeOf, userIds, wireChange } from './group-change-wire.ts';
import { malformed } from './malformed.ts';

/** What users ask of message nodes, as it is on the wire. */

type WireOperation = MessageInitShape<typeof EdgeCommandSchema>['operation'];

export function wireOperation(op: Operation): WireOperation {
  switch (op.t) {
    case 'send': {
      const { convId, peer = '', clientId, body, chain } = op;
      return { case: 'send', value: { convId, peer, clientId, body, chain } };
    }
    case 'recall': {
      const { convId, seq, clientId } = op;
      return { case: 'recall', value: { convId, seq: BigInt(seq), clientId } };
    }
    case 'read':
    case 'ack':
    case 'get':
      return { case: op.t, value: { convId: op.convId, seq: BigInt(op.seq) } };
    case 'list': {
      const { convId, fromSeq, limit, backward } = op;
      return { case: 'list', value: { convId, fromSeq: BigInt(fromSeq), limit, backward } };
    }
    case 'locate':
      return { case: 'locate', value: { msgId: op.msgId } };
    case 'sync': {
      const { epoch, known, entries } = op;
      return { case: 'sync', value: { epoch, known: known.map(wireKnown), entries } };
    }
    case 'conversations':
      return { case: 'conversations', value: { after: op.after ?? '', limit: op.limit } };
    case 'conversation':
      return { case: 'conversation', value: { convId: op.convId, peer: op.peer ?? '' } };
    case 'group': {
      const { groupId, clientId, change } = op;
      return { case: 'group', value: { groupId, clientId, change: wireChange(change) } };
    }
    case 'getGroup':
      return { case: 'getGroup', value: { groupId: op.groupId } };
    case 'members': {
      const { groupId, after = '', limit } = op;
      return { case: 'members', value: { groupId, after, limit } };
    }
    case 'presence':
      return { case: 'presence', value: { users: [...op.users] } };
    case 'ids':
      return { case: 'ids', value: { count: op.count } };
    case 'groupId':
      return { case: 'groupId', value: { clientId: op.clientId } };
    case 'device':
      return { case: 'device', value: { request: op.request } };
  }
}

export function operationOf({ operation }: EdgeCommand): Operation {
  switch (operation.case) {
    case 'send': {
      const { convId, peer, clientId, body, chain } = operation.value;
      return { t: 'send', convId: convId as ConvId, peer: optionalUser(peer), clientId, body, chain };
    }
    case 'recall': {
      const { convId, seq, clientId } = operation.value;
      return { t: 'recall', convId: convId as ConvId, seq: Number(seq), clientId };
    }
    case 'read':
    case 'ack':
    case 'get': {
      const { convId, seq } = operation.value;
      return { t: operation.case, convId: convId as ConvId, seq: Number(seq) };
    }
    case 'list': {
      const { convId, fromSeq, limit, backward } = operation.value;
      return { t: 'list', convId: convId as ConvId, fromSeq: Number(fromSeq), limit, backward };
    }
    case 'locate':
      return { t: 'locate', msgId: operation.value.msgId };
    case 'sync': {
      const { epoch, known, entries } = operation.value;
      return { t: 'sync', epoch, known: known.map(knownOf), entries };
    }
    case 'conversations': {
      const { after, limit } = operation.value;
      return { t: 'conversations', after: optionalConv(after), limit };
    }
    case 'conversation': {
      const { convId, peer } = operation.value;
      return { t: 'conversation', convId: convId as ConvId, peer: optionalUser(peer) };
    }
    case 'group': {
      const { groupId, clientId, change } = operation.value;
      return { t: 'group', groupId: groupId as ConvId, clientId, change: changeOf(change) };
    }
    case 'getGroup':
      return { t: 'getGroup', groupId: operation.value.groupId as ConvId };
    case 'members': {
      const { groupId, after, limit } = operation.value;
      return { t: 'members', groupId: groupId as ConvId, after: optionalUser(after), limit };
    }
    case 'presence':
      return { t: 'presence', users: userIds(operation.value.users) };
    case 'ids':
      return { t: 'ids', count: operation.value.count };
    case 'groupId':
      return { t: 'groupId', clientId: operation.value.clientId };
    case 'device': {
      const { request } = operation.value;
      return request.case === undefined ? malformed('a device operation') : { t: 'device', request };
    }
    case undefined:
      return malformed('an operation');
  }
}

export function optionalUser(name: string): UserId | undefined {
  return name === '' ? undefined : (name as UserId);
}

export function optionalConv(id: string): ConvId | undefined {
  return id === '' ? undefined : (id as ConvId);
}

function wireKnown(known: KnownConversation): MessageInitShape<typeof KnownConversationSchema> {
  return {
    convId: known.convId,
    headSeq: BigInt(known.headSeq),
    headMsgId: known.headMsgId,
    rev: known.rev,
    readSeq: BigInt(known.readSeq),
    deliveredSeq: BigInt(known.deliveredSeq),
    peerReadSeq: BigInt(known.peerReadSeq),
    peerDeliveredSeq: BigInt(known.peerDeliveredSeq),
  };
}

function knownOf(wire: WireKnown): KnownConversation {
  return {
    convId: wire.convId as ConvId,
    headSeq: Number(wire.headSeq),
    headMsgId: wire.headMsgId,
    rev: wire.rev,
    readSeq: Number(wire.readSeq),
    deliveredSeq: Number(wire.deliveredSeq),
    peerReadSeq: Number(wire.peerReadSeq),
    peerDeliveredSeq: Number(wire.peerDeliveredSeq),
  };
}
