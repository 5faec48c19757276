import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OwnerFrame } from '../peer/edge-frames.ts';
import { EdgePeer } from './edge-peer.ts';
import { EdgeSession } from './edge-session.ts';
import { FanOut } from './fan-out.ts';
import { PresenceBook } from './presence-book.ts';
import { Books } from './testing/books.ts';
import { ada, decision, garden, send } from './testing/samples.ts';

/** A conversation taken over at 10,000 ms: what its former owner wrote from seq 3 on may not have been forwarded. */
const unsure = { fromSeq: 3, sinceMs: 10_000, untilMs: 20_000 };

/** From which entry on an edge is told of it at a time, where ada has sessions that signed in at others. */
async function toldFrom(nowMs: number, signedInAtMs: readonly number[]): Promise<number> {
  const books = new Books();
  const group = { name: 'G', owner: 'ada', maxMembers: 9, history: 'all' as const };
  const create = decision(ada, 'create', [], { t: 'groupCreated', group, members: [ada] });
  await books.commit(garden, create, ...[2, 3, 4, 5].map((seq) => send(ada, `m${seq}`)));
  const told: OwnerFrame[] = [];
  const link = { send: (frame: OwnerFrame) => (told.push(frame), 'queued' as const), close: () => {} };
  const edge = new EdgePeer({ no: 1, nodeId: 'e1', link, linkedAtMs: 0 });
  const presence = new PresenceBook();
  presence.edges.add(edge);
  for (const [no, sinceMs] of signedInAtMs.entries())
    presence.up(new EdgeSession({ edge, no, userId: ada, deviceId: `d${no}`, sinceMs }));
  const clock = { wallMs: () => 0, monotonicMs: () => nowMs };
  const fanOut = new FanOut({ hot: books.hot, presence, incarnation: 1, recent: undefined, clock });
  await books.hot.with(garden, (conversation) => {
    conversation.unsure = unsure;
    fanOut.takenOver(conversation);
  });
  const [frame] = told;
  assert.equal(frame?.t, 'audience');
  return frame.nextSeq;
}

describe('a conversation that was taken over', () => {
  it('I5: is told from where its former owner may have died, to sessions that were there then', async () => {
    assert.equal(await toldFrom(10_000, [0]), 3);
    assert.equal(await toldFrom(15_000, [9_000]), 3);
    assert.equal(await toldFrom(15_000, [11_900]), 3, 'whom another node may have told of less');
    assert.equal(await toldFrom(15_000, [14_000, 9_000]), 3, 'one of several');
  });

  it('is not told again to sessions that signed in since: their sync has told them', async () => {
    assert.equal(await toldFrom(15_000, [12_000]), 6);
    assert.equal(await toldFrom(15_000, [14_000, 13_000]), 6);
  });

  it('is sure after a while', async () => {
    assert.equal(await toldFrom(20_000, [0]), 6);
  });
});
