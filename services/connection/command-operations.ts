import type { List, Read, RecallMessage, Sync } from '../../gen/parley/chat/v1/session_pb.ts';
import type { KnownConversation, Operation } from '../peer/edge-frames.ts';
import * as check from './check.ts';

/** From commands to operations; each throws a Fault that names the field at fault below `field`. */

type OperationOf<T extends Operation['t']> = Extract<Operation, { t: T }>;

export function listOperation(list: List, field: string): OperationOf<'list'> {
  return {
    t: 'list',
    convId: check.convId(list.convId, `${field}.conv_id`),
    fromSeq: check.seq(list.fromSeq, `${field}.from_seq`),
    limit: check.pageSize(list.limit, 50, check.limits.pageSize, `${field}.limit`),
    backward: list.backward,
  };
}

export function recallOperation(recall: RecallMessage, field: string): OperationOf<'recall'> {
  return {
    t: 'recall',
    convId: check.convId(recall.convId, `${field}.conv_id`),
    seq: check.seqFrom1(recall.seq, `${field}.seq`),
    clientId: check.clientId(recall.clientId, `${field}.client_id`),
  };
}

export function readOperation(read: Read): OperationOf<'read'> {
  return {
    t: 'read',
    convId: check.convId(read.convId, 'read.conv_id'),
    seq: check.seqFrom1(read.seq, 'read.seq'),
  };
}

export function syncOperation(sync: Sync): OperationOf<'sync'> {
  check.atMost(sync.known.length, check.limits.knownConversations, 'sync.known');
  check.atMost(sync.entries, check.limits.newestEntries, 'sync.entries');
  const known = sync.known.map((one, index): KnownConversation => {
    const field = `sync.known[${index}]`;
    return {
      convId: check.convId(one.convId, `${field}.conv_id`),
      headSeq: check.seq(one.headSeq, `${field}.head_seq`),
      headMsgId: one.headMsgId,
      rev: one.rev,
      readSeq: check.seq(one.readSeq, `${field}.read_seq`),
      deliveredSeq: check.seq(one.deliveredSeq, `${field}.delivered_seq`),
      peerReadSeq: check.seq(one.peerReadSeq, `${field}.peer_read_seq`),
      peerDeliveredSeq: check.seq(one.peerDeliveredSeq, `${field}.peer_delivered_seq`),
    };
  });
  return { t: 'sync', epoch: sync.storeEpoch, known, entries: sync.entries };
}
