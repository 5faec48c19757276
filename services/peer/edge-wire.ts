import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type EdgeFrame as WireEdgeFrame,
  EdgeFrameSchema,
  LinkOwnerRequestSchema,
} from '../../gen/parley/node/v1/owner_link_pb.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { EdgeFrame } from './edge-frames.ts';
import { userIds } from './group-change-wire.ts';
import { readFrames, writeFrames } from './frame-list.ts';
import { helloOf, type WithHello, wireHello } from './hello.ts';
import { putHotEdgeFrame, readHotEdgeFrame } from './hot-edge-frames.ts';
import { malformed } from './malformed.ts';
import { operationOf, wireOperation } from './operation-wire.ts';
import { acksOf, wireAcks } from './session-ack-wire.ts';
import { snapshotOf, wireSnapshot } from './told-wire.ts';
import { tracedBy, wireTrace } from './trace-wire.ts';

/** What connection nodes say to message nodes, as it is on the wire. */

/** What comes with every message is written by hand, the rest by protobuf-es; a property holds the two equal. */
export function encodeEdgeFrames(frames: readonly WithHello<EdgeFrame>[]): Uint8Array {
  return writeFrames(frames, putHotEdgeFrame, (frame) =>
    toBinary(EdgeFrameSchema, create(EdgeFrameSchema, wireEdgeFrame(frame))),
  );
}

/** Throws for what is no such message. */
export function decodeEdgeFrames(bytes: Uint8Array): WithHello<EdgeFrame>[] {
  return (
    readFrames<WithHello<EdgeFrame>>(bytes, readHotEdgeFrame, (encoded) =>
      edgeFrameOf(fromBinary(EdgeFrameSchema, encoded)),
    ) ?? decodeBySchema(bytes)
  );
}

/** By protobuf-es alone. */
export function encodeBySchema(frames: readonly WithHello<EdgeFrame>[]): Uint8Array {
  const message = create(LinkOwnerRequestSchema, { frames: frames.map(wireEdgeFrame) });
  return toBinary(LinkOwnerRequestSchema, message);
}

/** By protobuf-es alone. */
export function decodeBySchema(bytes: Uint8Array): WithHello<EdgeFrame>[] {
  return fromBinary(LinkOwnerRequestSchema, bytes).frames.map(edgeFrameOf);
}

function wireEdgeFrame(frame: WithHello<EdgeFrame>): MessageInitShape<typeof EdgeFrameSchema> {
  switch (frame.t) {
    case 'hello':
      return { frame: { case: 'hello', value: wireHello(frame.hello) } };
    case 'command': {
      const { call, session, userId, op, trace } = frame;
      const operation = wireOperation(op);
      const value = { call: BigInt(call), session: BigInt(session), userId, operation };
      return { frame: { case: 'command', value }, ...wireTrace(trace) };
    }
    case 'delivered': {
      const items = frame.items.map(({ convId, userId, seq }) => ({ convId, userId, seq: BigInt(seq) }));
      return { frame: { case: 'delivered', value: { items } } };
    }
    case 'sessionUp': {
      const { session, userId, deviceId, ageMs } = frame;
      const value = { session: BigInt(session), userId, deviceId, ageMs: BigInt(ageMs) };
      return { frame: { case: 'sessionUp', value } };
    }
    case 'sessionDown':
      return { frame: { case: 'sessionDown', value: { session: BigInt(frame.session) } } };
    case 'snapshot':
      return { frame: { case: 'snapshot', value: wireSnapshot(frame) } };
    case 'snapshotEnd':
      return { frame: { case: 'snapshotEnd', value: {} } };
    case 'typing': {
      const { convId, userId, active } = frame;
      return { frame: { case: 'typing', value: { convId, userId, active } } };
    }
    case 'watch':
    case 'unwatch':
      return { frame: { case: frame.t, value: { users: [...frame.users] } } };
    case 'audienceUnknown': {
      const { audience, convId, seq } = frame;
      const value = { audience: BigInt(audience), convId, seq: BigInt(seq) };
      return { frame: { case: 'audienceUnknown', value } };
    }
    case 'pull': {
      const { convId, fromSeq, toSeq } = frame;
      const value = { convId, fromSeq: BigInt(fromSeq), toSeq: BigInt(toSeq) };
      return { frame: { case: 'pull', value } };
    }
    case 'sessionAcks':
      return { frame: { case: 'sessionAcks', value: wireAcks(frame) } };
  }
}

function edgeFrameOf({ frame, trace }: WireEdgeFrame): WithHello<EdgeFrame> {
  switch (frame.case) {
    case 'hello':
      return { t: 'hello', hello: helloOf(frame.value) };
    case 'command': {
      const { call, session, userId } = frame.value;
      const op = operationOf(frame.value);
      return {
        t: 'command',
        call: Number(call),
        session: Number(session),
        userId: userId as UserId,
        op,
        ...tracedBy(trace),
      };
    }
    case 'delivered': {
      const items = frame.value.items.map(({ convId, userId, seq }) => ({
        convId: convId as ConvId,
        userId: userId as UserId,
        seq: Number(seq),
      }));
      return { t: 'delivered', items };
    }
    case 'sessionUp': {
      const { session, userId, deviceId, ageMs } = frame.value;
      return {
        t: 'sessionUp',
        session: Number(session),
        userId: userId as UserId,
        deviceId,
        ageMs: Number(ageMs),
      };
    }
    case 'sessionDown':
      return { t: 'sessionDown', session: Number(frame.value.session) };
    case 'snapshot':
      return snapshotOf(frame.value);
    case 'snapshotEnd':
      return { t: 'snapshotEnd' };
    case 'typing': {
      const { convId, userId, active } = frame.value;
      return { t: 'typing', convId: convId as ConvId, userId: userId as UserId, active };
    }
    case 'watch':
    case 'unwatch':
      return { t: frame.case, users: userIds(frame.value.users) };
    case 'audienceUnknown': {
      const { audience, convId, seq } = frame.value;
      return {
        t: 'audienceUnknown',
        audience: Number(audience),
        convId: convId as ConvId,
        seq: Number(seq),
      };
    }
    case 'pull': {
      const { convId, fromSeq, toSeq } = frame.value;
      return { t: 'pull', convId: convId as ConvId, fromSeq: Number(fromSeq), toSeq: Number(toSeq) };
    }
    case 'sessionAcks':
      return acksOf(frame.value);
    case undefined:
      return malformed('a frame of a connection node');
  }
}
