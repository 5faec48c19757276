import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../core/clock.ts';
import { idEpochMs } from '../core/snowflake.ts';
import type { Conversation } from './conversation.ts';
import { noteUnsure, toldFrom } from './take-over.ts';
import { groupOf } from './testing/samples.ts';

const bornAtMs = idEpochMs + 1_000_000;

/** So many entries, the last of which is written at `bornAtMs`, and a clock that stands so much later. */
function scene(
  headSeq: number,
  laterMs: number,
): {
  clock: Clock & { nowMs: number };
  conversation: Conversation;
} {
  const conversation = groupOf(1);
  conversation.head = { seq: headSeq, ord: headSeq, msgId: 1_000_000n << 22n };
  const clock = { nowMs: 0, wallMs: () => bornAtMs + laterMs, monotonicMs: () => clock.nowMs };
  return { clock, conversation };
}

describe('entries that another node wrote, found behind those that were known', () => {
  it('are told from the first of them, two hundred at most', () => {
    const { clock, conversation } = scene(1_000, 10_000);
    assert.equal(toldFrom(clock, conversation, 990), 990);
    assert.equal(toldFrom(clock, conversation, 7), 801);
  });

  it('are not told where the last one is so old that everybody has it', () => {
    const { clock, conversation } = scene(1_000, 10_001);
    assert.equal(toldFrom(clock, conversation, 990), 1_001);
  });

  it('I5: are told of for a while by a node that may own the conversation soon', () => {
    const { clock, conversation } = scene(1_000, 0);
    clock.nowMs = 5_000;
    noteUnsure(clock, conversation, 990);
    assert.deepEqual(conversation.unsure, { fromSeq: 990, sinceMs: 5_000, untilMs: 15_000 });
    conversation.head = { ...conversation.head, seq: 1_010 };
    clock.nowMs = 14_999;
    noteUnsure(clock, conversation, 1_001);
    assert.deepEqual(conversation.unsure, { fromSeq: 990, sinceMs: 14_999, untilMs: 24_999 });
    clock.nowMs = 24_999;
    noteUnsure(clock, conversation, 1_005);
    assert.equal(conversation.unsure?.fromSeq, 1_005, 'the earlier ones are sure by now');
    noteUnsure(clock, conversation, 1_011);
    assert.equal(conversation.unsure?.fromSeq, 1_005, 'nothing was found');
  });

  it('I6: are not told from ever further back where they are read again and again', () => {
    const { clock, conversation } = scene(100, 0);
    for (let seq = 101; seq <= 1_000; seq += 1) {
      conversation.head = { ...conversation.head, seq };
      clock.nowMs += 1_000;
      noteUnsure(clock, conversation, seq);
    }
    assert.equal(conversation.unsure?.fromSeq, 801);
  });
});
