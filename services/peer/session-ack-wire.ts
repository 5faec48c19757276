import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  AckState as WireState,
  type AskSessionAcks,
  type AskSessionAcksSchema,
  type SessionAcks,
  type SessionAcksSchema,
} from '../../gen/parley/node/v1/owner_link_pb.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { AckState } from '../ports/session-acks.ts';
import type { AskAcksFrame, SessionAcksFrame } from './edge-frames.ts';
import { userIds } from './group-change-wire.ts';

/** The question which sessions have acknowledged an entry, and its answer, as they are on the wire. */

const wireStates: Readonly<Record<AckState, WireState>> = {
  owing: WireState.OWING,
  acknowledged: WireState.ACKNOWLEDGED,
  unknown: WireState.UNKNOWN,
};

export function wireAsk({
  call,
  convId,
  seq,
  users,
}: AskAcksFrame): MessageInitShape<typeof AskSessionAcksSchema> {
  return { call: BigInt(call), convId, seq: BigInt(seq), users: [...users] };
}

export function askOf({ call, convId, seq, users }: AskSessionAcks): AskAcksFrame {
  return {
    t: 'askSessionAcks',
    call: Number(call),
    convId: convId as ConvId,
    seq: Number(seq),
    users: userIds(users),
  };
}

export function wireAcks({ call, sessions }: SessionAcksFrame): MessageInitShape<typeof SessionAcksSchema> {
  const wire = sessions.map(({ userId, deviceId, state }) => ({
    userId,
    deviceId,
    state: wireStates[state],
  }));
  return { call: BigInt(call), sessions: wire };
}

export function acksOf({ call, sessions }: SessionAcks): SessionAcksFrame {
  const acks = sessions.map(({ userId, deviceId, state }) => ({
    userId: userId as UserId,
    deviceId,
    state: stateOf(state),
  }));
  return { t: 'sessionAcks', call: Number(call), sessions: acks };
}

function stateOf(state: WireState): AckState {
  if (state === WireState.OWING) return 'owing';
  return state === WireState.ACKNOWLEDGED ? 'acknowledged' : 'unknown';
}
