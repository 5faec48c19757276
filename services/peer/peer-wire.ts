import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  LinkPeerRequestSchema,
  LinkPeerResponseSchema,
  type PeerAnswerFrame as WireAnswerFrame,
  type PeerAnswerFrameSchema,
  type PeerQuestionFrame as WireQuestionFrame,
  type PeerQuestionFrameSchema,
} from '../../gen/parley/node/v1/peer_link_pb.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import { userIds } from './group-change-wire.ts';
import { helloOf, type WithHello, wireHello } from './hello.ts';
import { malformed } from './malformed.ts';
import { operationOf, wireOperation } from './operation-wire.ts';
import type { PeerAnswerFrame, PeerQuestionFrame } from './peer-frames.ts';
import { refusalOf, wireRefusal } from './refusal-wire.ts';
import { resultOf, wireResult } from './result-wire.ts';
import { acksOf, askOf, wireAcks, wireAsk } from './session-ack-wire.ts';
import { tracedBy, wireTrace } from './trace-wire.ts';

/** The frames between message nodes, as they are on the wire. */

export function encodePeerQuestions(frames: readonly WithHello<PeerQuestionFrame>[]): Uint8Array {
  return toBinary(LinkPeerRequestSchema, create(LinkPeerRequestSchema, { frames: frames.map(wireQuestion) }));
}

/** Throws for what is no such message. */
export function decodePeerQuestions(bytes: Uint8Array): WithHello<PeerQuestionFrame>[] {
  return fromBinary(LinkPeerRequestSchema, bytes).frames.map(questionOf);
}

export function encodePeerAnswers(frames: readonly WithHello<PeerAnswerFrame>[]): Uint8Array {
  return toBinary(LinkPeerResponseSchema, create(LinkPeerResponseSchema, { frames: frames.map(wireAnswer) }));
}

/** Throws for what is no such message. */
export function decodePeerAnswers(bytes: Uint8Array): WithHello<PeerAnswerFrame>[] {
  return fromBinary(LinkPeerResponseSchema, bytes).frames.map(answerOf);
}

function wireQuestion(frame: WithHello<PeerQuestionFrame>): MessageInitShape<typeof PeerQuestionFrameSchema> {
  switch (frame.t) {
    case 'hello':
      return { frame: { case: 'hello', value: wireHello(frame.hello) } };
    case 'forward': {
      const spans = frame.spans.map(({ convNo, convId, firstSeq, lastSeq }) => ({
        convNo,
        convId,
        firstSeq: BigInt(firstSeq),
        lastSeq: BigInt(lastSeq),
      }));
      return { frame: { case: 'forward', value: { call: BigInt(frame.call), spans } } };
    }
    case 'askOffline':
      return { frame: { case: 'askOffline', value: { call: BigInt(frame.call), users: [...frame.users] } } };
    case 'command': {
      const value = {
        call: BigInt(frame.call),
        userId: frame.userId,
        operation: wireOperation(frame.op),
      };
      return { frame: { case: 'command', value }, epoch: frame.epoch, ...wireTrace(frame.trace) };
    }
    case 'askSessionAcks':
      return { frame: { case: 'askSessionAcks', value: wireAsk(frame) } };
  }
}

function questionOf({ frame, epoch, trace }: WireQuestionFrame): WithHello<PeerQuestionFrame> {
  switch (frame.case) {
    case 'hello':
      return { t: 'hello', hello: helloOf(frame.value) };
    case 'forward': {
      const spans = frame.value.spans.map(({ convNo, convId, firstSeq, lastSeq }) => ({
        convNo,
        convId: convId as ConvId,
        firstSeq: Number(firstSeq),
        lastSeq: Number(lastSeq),
      }));
      return { t: 'forward', call: Number(frame.value.call), spans };
    }
    case 'askOffline':
      return { t: 'askOffline', call: Number(frame.value.call), users: userIds(frame.value.users) };
    case 'command': {
      const { call, userId } = frame.value;
      const op = operationOf(frame.value);
      return { t: 'command', call: Number(call), userId: userId as UserId, op, epoch, ...tracedBy(trace) };
    }
    case 'askSessionAcks':
      return askOf(frame.value);
    case undefined:
      return malformed('a question of a peer');
  }
}

function wireAnswer(frame: WithHello<PeerAnswerFrame>): MessageInitShape<typeof PeerAnswerFrameSchema> {
  switch (frame.t) {
    case 'hello':
      return { frame: { case: 'hello', value: wireHello(frame.hello) } };
    case 'forwarded':
      return {
        frame: { case: 'forwarded', value: { call: BigInt(frame.call), places: [...frame.places] } },
      };
    case 'offline':
      return { frame: { case: 'offline', value: { call: BigInt(frame.call), users: [...frame.users] } } };
    case 'reply': {
      const value = { call: BigInt(frame.call), result: wireResult(frame.result) };
      return { frame: { case: 'reply', value } };
    }
    case 'refused': {
      const value = { call: BigInt(frame.call), refusal: wireRefusal(frame.refusal) };
      return { frame: { case: 'refused', value } };
    }
    case 'sessionAcks':
      return { frame: { case: 'sessionAcks', value: wireAcks(frame) } };
  }
}

function answerOf({ frame }: WireAnswerFrame): WithHello<PeerAnswerFrame> {
  switch (frame.case) {
    case 'hello':
      return { t: 'hello', hello: helloOf(frame.value) };
    case 'forwarded':
      return { t: 'forwarded', call: Number(frame.value.call), places: frame.value.places };
    case 'offline':
      return { t: 'offline', call: Number(frame.value.call), users: userIds(frame.value.users) };
    case 'reply':
      return { t: 'reply', call: Number(frame.value.call), result: resultOf(frame.value) };
    case 'refused':
      return { t: 'refused', call: Number(frame.value.call), refusal: refusalOf(frame.value.refusal) };
    case 'sessionAcks':
      return acksOf(frame.value);
    case undefined:
      return malformed('an answer of a peer');
  }
}
