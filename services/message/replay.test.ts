import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId } from '../core/ids.ts';
import { StoreError } from '../ports/message-store.ts';
import type { Audience } from './audience.ts';
import { Conversation } from './conversation.ts';
import { EdgePeer } from './edge-peer.ts';
import { Replay } from './replay.ts';

/** An edge that missed conversations from their first entry on, and a store that `load` stands for. */
function scene(missed: readonly string[], load: (convId: ConvId) => Promise<void> | void = () => {}) {
  const link = { send: () => 'queued' as const, close: () => {} };
  const edge = new EdgePeer({ no: 1, nodeId: 'edge', link, linkedAtMs: 0 });
  for (const convId of missed) edge.misses(convId as ConvId, 1);
  edge.complete = true;
  const edges = new Set([edge]);
  const pulled: string[] = [];
  const bugs: unknown[] = [];
  const replay = new Replay({
    hot: {
      with: async (convId, use) => {
        await load(convId);
        const conversation = new Conversation(convId);
        conversation.convNo = 1n;
        conversation.head = { seq: 3, ord: 3, msgId: 3n };
        return use(conversation);
      },
    },
    fanOut: { audienceFor: ({ convId }) => (convId.startsWith('nobody') ? undefined : ({} as Audience)) },
    presence: { edges },
    pull: async (_edge, { convId }, from, to) => void pulled.push(`${convId} ${from}-${to}`),
    bug: (error) => bugs.push(error),
  });
  return { edge, edges, pulled, bugs, replay };
}

const unreadable = (): never => {
  throw new StoreError('unavailable', 'a test says so');
};

/** Lets what waits for nothing but promises happen. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('telling an edge what it missed', () => {
  it('I5: is tried again until the store can be read, once a second in the end', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let reads = 0;
    const { edge, replay, pulled } = scene(['one'], () => {
      reads += 1;
      if (reads <= 8) unreadable();
    });
    const told = replay.tell(edge);
    for (const ms of [100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000]) {
      await turn();
      t.mock.timers.tick(ms - 1);
      await turn();
      assert.deepEqual(pulled, []);
      t.mock.timers.tick(1);
    }
    await told;
    assert.deepEqual([reads, pulled], [9, ['one 1-3']]);
  });

  it('I5: tells again of nothing but what could not be read', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const failing = new Set(['two']);
    const { edge, replay, pulled } = scene(['one', 'two', 'three', 'nobody here'], (convId) => {
      if (failing.delete(convId)) unreadable();
    });
    const told = replay.tell(edge);
    await turn();
    assert.deepEqual(pulled, ['one 1-3', 'three 1-3']);
    t.mock.timers.tick(100);
    await told;
    assert.deepEqual(pulled, ['one 1-3', 'three 1-3', 'two 1-3']);
  });

  it('ends with the link, and where somebody else has told meanwhile', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let reads = 0;
    const count = (): never => {
      reads += 1;
      return unreadable();
    };
    const [gone, announced] = [scene(['one'], count), scene(['one'], count)];
    const told = [gone, announced].map(({ replay, edge }) => replay.tell(edge));
    await turn();
    gone.edges.clear();
    announced.edge.missed.clear();
    t.mock.timers.tick(100);
    await Promise.all(told);
    assert.deepEqual([reads, gone.pulled, announced.pulled], [2, [], []]);
  });

  it('I6: reads no more than five hundred at once', async () => {
    let reading = 0;
    let most = 0;
    const missed = Array.from({ length: 1_200 }, (_, no) => `conversation ${no}`);
    const { edge, replay, pulled } = scene(missed, async () => {
      reading += 1;
      most = Math.max(most, reading);
      await turn();
      reading -= 1;
    });
    await replay.tell(edge);
    assert.deepEqual([most, pulled.length], [500, 1_200]);
  });

  it('is not tried again after a bug', async () => {
    const { edge, replay, bugs, pulled } = scene(['one', 'two'], (convId) => {
      if (convId === 'one') throw new TypeError('a bug');
    });
    await replay.tell(edge);
    assert.deepEqual([bugs.length, pulled, edge.missed.size], [1, ['two 1-3'], 0]);
  });
});
