import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId, UserId } from '../core/ids.ts';
import { Lane, type LaneHost } from './lane.ts';

const limits = {
  queueBytes: 1_000_000,
  batchEntries: 100,
  batchBytes: 1_000_000,
  gatherMs: 20,
  recallWindowMs: 0,
};

/** A lane whose host refuses each batch when it closes; each pause ends when it is told to. */
function laneOfRefusals(closingTakesMs = 0) {
  const pauses: { readonly ms: number; end(): void }[] = [];
  const rest = (ms: number) => new Promise<void>((end) => pauses.push({ ms, end }));
  let refused = 0;
  let nowMs = 1_000;
  const monotonicMs = () => nowMs;
  const stalled = () => {
    nowMs += closingTakesMs;
    return true;
  };
  const host: Partial<LaneHost> = { limits, monotonicMs, stalled, rest };
  const lane = new Lane(host as LaneHost);
  const submit = (commands: number) => {
    for (let index = 0; index < commands; index += 1)
      lane.submit({
        convId: 'c' as ConvId,
        sender: 'u' as UserId,
        clientKey: undefined,
        chain: undefined,
        intent: { t: 'recheck' },
        bytes: 1,
        settle: () => {
          refused += 1;
        },
        known: undefined,
        attempts: 0,
      });
  };
  return { lane, submit, pauses, refused: () => refused };
}

/** Whatever the lane does by itself has been done. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a lane', () => {
  it('goes on at once behind a small batch', async () => {
    const { lane, submit, pauses, refused } = laneOfRefusals();
    submit(31);
    await lane.idle();
    assert.equal(refused(), 31);
    assert.equal(pauses.length, 0);
  });

  it('lets the next batch gather behind a large one', async () => {
    const { lane, submit, pauses, refused } = laneOfRefusals();
    submit(80);
    await turn();
    assert.equal(refused(), 80);
    assert.deepEqual(
      pauses.map(({ ms }) => ms),
      [6],
    );
    submit(2);
    await turn();
    assert.equal(refused(), 80, 'it waits');
    pauses[0]?.end();
    await lane.idle();
    assert.equal(refused(), 82);
    assert.equal(pauses.length, 1, 'the next one was a small one');
  });

  it('counts what the batch itself took', async () => {
    const { lane, submit, pauses } = laneOfRefusals(2);
    submit(80);
    await turn();
    assert.deepEqual(
      pauses.map(({ ms }) => ms),
      [4],
    );
    pauses[0]?.end();
    await lane.idle();
  });

  it('does not wait where the next batch is full already', async () => {
    const { lane, submit, pauses, refused } = laneOfRefusals();
    submit(200);
    await turn();
    assert.equal(refused(), 200);
    assert.equal(pauses.length, 1, 'behind the last one only');
    pauses[0]?.end();
    await lane.idle();
  });
});
