import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  edgeCodec,
  groupDecisionCodec,
  groupRequestCodec,
  ownerCodec,
  peerAnswerCodec,
  peerQuestionCodec,
} from './link-codecs.ts';
import type { LinkCodec } from './stream-link.ts';
import * as any from './testing/arbitrary.ts';

const codecs = [
  edgeCodec,
  ownerCodec,
  groupRequestCodec,
  groupDecisionCodec,
  peerQuestionCodec,
  peerAnswerCodec,
];

/** What one end writes is what the other end reads. */
function crosses<A, B>(
  frame: fc.Arbitrary<unknown>,
  from: LinkCodec<A, B>,
  to: { decode(bytes: Uint8Array): readonly unknown[] },
): void {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 4 }), (frames) => {
      // Bodies are views: of a Buffer they would be Buffers.
      assert.deepEqual(to.decode(new Uint8Array(from.encode(frames as never))), frames);
    }),
    { numRuns: 1_000 },
  );
}

describe('frames arrive as they were sent', () => {
  it('from connection nodes to message nodes', () => crosses(any.edgeFrame, edgeCodec, ownerCodec));
  it('from message nodes to connection nodes', () => crosses(any.ownerFrame, ownerCodec, edgeCodec));
  it('from message nodes to group nodes', () =>
    crosses(any.groupRequest, groupRequestCodec, groupDecisionCodec));
  it('from group nodes to message nodes', () =>
    crosses(any.groupDecision, groupDecisionCodec, groupRequestCodec));
  it('to message nodes that are asked', () => crosses(any.peerQuestion, peerQuestionCodec, peerAnswerCodec));
  it('from message nodes that are asked', () => crosses(any.peerAnswer, peerAnswerCodec, peerQuestionCodec));
});

describe('what is no frame', () => {
  it('is refused, whatever it is', () => {
    for (const { decode } of codecs)
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
          try {
            decode(bytes);
          } catch (error) {
            assert.ok(error instanceof Error);
          }
        }),
      );
    // A frame that says nothing.
    for (const { decode } of codecs)
      assert.throws(() => decode(Uint8Array.of(0x0a, 0)), /is missing or unknown/);
  });
});
