import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  LinkOwnerResponseSchema,
  type OwnerFrame as WireOwnerFrame,
  OwnerFrameSchema,
} from '../../gen/parley/node/v1/owner_link_pb.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { OwnerFrame } from './edge-frames.ts';
import { userIds } from './group-change-wire.ts';
import { readFrames, writeFrames } from './frame-list.ts';
import { helloOf, type WithHello, wireHello } from './hello.ts';
import { putHotOwnerFrame, readHotOwnerFrame } from './hot-owner-frames.ts';
import { malformed } from './malformed.ts';
import { refusalOf, wireRefusal } from './refusal-wire.ts';
import { entryOf, resultOf, wireEntry, wireResult } from './result-wire.ts';
import { askOf, wireAsk } from './session-ack-wire.ts';
import { toldOf, wireTold } from './told-wire.ts';
import { tracedBy, wireTrace } from './trace-wire.ts';

/** What message nodes say to connection nodes, as it is on the wire. */

/** What comes with every message is written by hand, the rest by protobuf-es; a property holds the two equal. */
export function encodeOwnerFrames(frames: readonly WithHello<OwnerFrame>[]): Uint8Array {
  return writeFrames(frames, putHotOwnerFrame, (frame) =>
    toBinary(OwnerFrameSchema, create(OwnerFrameSchema, wireOwnerFrame(frame))),
  );
}

/** Throws for what is no such message. */
export function decodeOwnerFrames(bytes: Uint8Array): WithHello<OwnerFrame>[] {
  return (
    readFrames<WithHello<OwnerFrame>>(bytes, readHotOwnerFrame, (encoded) =>
      ownerFrameOf(fromBinary(OwnerFrameSchema, encoded)),
    ) ?? decodeBySchema(bytes)
  );
}

/** By protobuf-es alone. */
export function encodeBySchema(frames: readonly WithHello<OwnerFrame>[]): Uint8Array {
  const message = create(LinkOwnerResponseSchema, { frames: frames.map(wireOwnerFrame) });
  return toBinary(LinkOwnerResponseSchema, message);
}

/** By protobuf-es alone. */
export function decodeBySchema(bytes: Uint8Array): WithHello<OwnerFrame>[] {
  return fromBinary(LinkOwnerResponseSchema, bytes).frames.map(ownerFrameOf);
}

function wireOwnerFrame(frame: WithHello<OwnerFrame>): MessageInitShape<typeof OwnerFrameSchema> {
  switch (frame.t) {
    case 'hello':
      return { frame: { case: 'hello', value: wireHello(frame.hello) } };
    case 'reply':
      return {
        frame: { case: 'reply', value: { call: BigInt(frame.call), result: wireResult(frame.result) } },
      };
    case 'refused': {
      const value = { call: BigInt(frame.call), refusal: wireRefusal(frame.refusal) };
      return { frame: { case: 'refused', value } };
    }
    case 'audience': {
      const { audience, convId, nextSeq, whole, users, gone, knownSeq } = frame;
      const hearers = users.map(({ userId, firstSeq, lastSeq }) => ({
        userId,
        firstSeq: BigInt(firstSeq),
        lastSeq: BigInt(lastSeq),
      }));
      return {
        frame: {
          case: 'audience',
          value: {
            audience: BigInt(audience),
            convId,
            nextSeq: BigInt(nextSeq),
            whole,
            users: hearers,
            gone: [...gone],
            knownSeq: BigInt(knownSeq),
          },
        },
      };
    }
    case 'entry': {
      const { audience, incarnation, entry } = frame;
      const value = {
        audience: BigInt(audience),
        incarnation: BigInt(incarnation),
        entry: wireEntry(entry),
      };
      return { frame: { case: 'entry', value }, ...wireTrace(entry.trace) };
    }
    case 'registered':
    case 'superseded':
    case 'stale':
      return { frame: { case: frame.t, value: { session: BigInt(frame.session) } } };
    case 'cursor': {
      const { convId, userId, deliveredSeq, readSeq, to } = frame;
      const value = {
        convId,
        userId,
        deliveredSeq: BigInt(deliveredSeq),
        readSeq: BigInt(readSeq),
        to: [...to],
      };
      return { frame: { case: 'cursor', value } };
    }
    case 'receipts': {
      const { audience, convId, seq, delivered, read } = frame;
      const value = { audience: BigInt(audience), convId, seq: BigInt(seq), delivered, read };
      return { frame: { case: 'receipts', value } };
    }
    case 'typing': {
      const { audience, convId, userId, active } = frame;
      return { frame: { case: 'typing', value: { audience: BigInt(audience), convId, userId, active } } };
    }
    case 'presence': {
      const { userId, online, lastSeenAtMs } = frame;
      return {
        frame: { case: 'presence', value: { userId, online, lastSeenAtMs: BigInt(lastSeenAtMs) } },
      };
    }
    case 'reset':
      return { frame: { case: 'reset', value: { storeEpoch: frame.epoch } } };
    case 'told':
      return { frame: { case: 'told', value: wireTold(frame.until) } };
    case 'askSessionAcks':
      return { frame: { case: 'askSessionAcks', value: wireAsk(frame) } };
  }
}

function ownerFrameOf({ frame, trace }: WireOwnerFrame): WithHello<OwnerFrame> {
  switch (frame.case) {
    case 'hello':
      return { t: 'hello', hello: helloOf(frame.value) };
    case 'reply':
      return { t: 'reply', call: Number(frame.value.call), result: resultOf(frame.value) };
    case 'refused':
      return { t: 'refused', call: Number(frame.value.call), refusal: refusalOf(frame.value.refusal) };
    case 'audience': {
      const { audience, convId, nextSeq, whole, users, gone, knownSeq } = frame.value;
      const hearers = users.map(({ userId, firstSeq, lastSeq }) => ({
        userId: userId as UserId,
        firstSeq: Number(firstSeq),
        lastSeq: Number(lastSeq),
      }));
      return {
        t: 'audience',
        audience: Number(audience),
        convId: convId as ConvId,
        nextSeq: Number(nextSeq),
        whole,
        users: hearers,
        gone: userIds(gone),
        knownSeq: Number(knownSeq),
      };
    }
    case 'entry': {
      const { audience, incarnation, entry } = frame.value;
      if (entry === undefined) return malformed('an entry');
      return {
        t: 'entry',
        audience: Number(audience),
        incarnation: Number(incarnation),
        entry: { ...entryOf(entry), ...tracedBy(trace) },
      };
    }
    case 'registered':
    case 'superseded':
    case 'stale':
      return { t: frame.case, session: Number(frame.value.session) };
    case 'cursor': {
      const { convId, userId, deliveredSeq, readSeq, to } = frame.value;
      return {
        t: 'cursor',
        convId: convId as ConvId,
        userId: userId as UserId,
        deliveredSeq: Number(deliveredSeq),
        readSeq: Number(readSeq),
        to: userIds(to),
      };
    }
    case 'receipts': {
      const { audience, convId, seq, delivered, read } = frame.value;
      return {
        t: 'receipts',
        audience: Number(audience),
        convId: convId as ConvId,
        seq: Number(seq),
        delivered,
        read,
      };
    }
    case 'typing': {
      const { audience, convId, userId, active } = frame.value;
      return {
        t: 'typing',
        audience: Number(audience),
        convId: convId as ConvId,
        userId: userId as UserId,
        active,
      };
    }
    case 'presence': {
      const { userId, online, lastSeenAtMs } = frame.value;
      return { t: 'presence', userId: userId as UserId, online, lastSeenAtMs: Number(lastSeenAtMs) };
    }
    case 'reset':
      return { t: 'reset', epoch: frame.value.storeEpoch };
    case 'told':
      return { t: 'told', until: toldOf(frame.value) };
    case 'askSessionAcks':
      return askOf(frame.value);
    case undefined:
      return malformed('a frame of a message node');
  }
}
