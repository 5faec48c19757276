import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId, UserId } from '../core/ids.ts';
import type { OwnerFrame } from '../peer/edge-frames.ts';
import type { SessionAck } from '../ports/session-acks.ts';
import { AckQuestions } from './ack-questions.ts';
import { EdgePeer } from './edge-peer.ts';
import { EdgeSession } from './edge-session.ts';
import { PresenceBook } from './presence-book.ts';

const garden = 'garden' as ConvId;
const [ann, bob, cyd] = ['ann', 'bob', 'cyd'] as [UserId, UserId, UserId];

type Ask = Extract<OwnerFrame, { t: 'askSessionAcks' }>;

function scene({ timeoutMs = 60_000 } = {}) {
  const presence = new PresenceBook();
  const acks = new AckQuestions({ presence, timeoutMs });
  let no = 0;
  const edge = () => {
    const asked: Ask[] = [];
    const link = {
      send: (frame: OwnerFrame) => {
        if (frame.t === 'askSessionAcks') asked.push(frame);
        return 'queued' as const;
      },
      close: () => undefined,
    };
    no += 1;
    const peer = new EdgePeer({ no, nodeId: `e${no}`, link, linkedAtMs: 0 });
    presence.edges.add(peer);
    const up = (userId: UserId) => {
      no += 1;
      presence.up(new EdgeSession({ edge: peer, no, userId, deviceId: `d${no}`, sinceMs: 0 }));
    };
    return { peer, asked, up };
  };
  return { presence, acks, edge };
}

const ack = (userId: UserId, state: SessionAck['state']): SessionAck => ({ userId, deviceId: 'd', state });

describe('questions of acknowledgements', () => {
  it('go to the edges that have the users, and nowhere else', async () => {
    const { acks, edge } = scene();
    const [one, two, idle] = [edge(), edge(), edge()];
    one.up(ann);
    one.up(bob);
    two.up(ann);
    idle.up('eve' as UserId);
    const answer = acks.sessions(garden, 7, [ann, bob, cyd]);
    assert.deepEqual(
      [one, two].map(({ asked }) => asked.map(({ convId, seq, users }) => [convId, seq, users])),
      [[[garden, 7, [ann, bob]]], [[garden, 7, [ann]]]],
    );
    assert.deepEqual(idle.asked, []);
    acks.answered(two.peer, two.asked[0]?.call as number, [ack(ann, 'acknowledged')]);
    acks.answered(one.peer, one.asked[0]?.call as number, [ack(ann, 'owing'), ack(bob, 'unknown')]);
    assert.deepEqual(await answer, [ack(ann, 'acknowledged'), ack(ann, 'owing'), ack(bob, 'unknown')]);
  });

  it('are answered at once where nobody is there', async () => {
    const { acks } = scene();
    assert.deepEqual(await acks.sessions(garden, 1, [ann]), []);
  });

  it('do without an edge that is gone', async () => {
    const { acks, edge } = scene();
    const [one, two] = [edge(), edge()];
    one.up(ann);
    two.up(bob);
    const answer = acks.sessions(garden, 1, [ann, bob]);
    acks.answered(one.peer, one.asked[0]?.call as number, [ack(ann, 'owing')]);
    acks.gone(two.peer);
    assert.deepEqual(await answer, [ack(ann, 'owing')]);
  });

  it('do without an edge that does not answer in time: its sessions are as good as gone', async () => {
    const { acks, edge } = scene({ timeoutMs: 5 });
    const frozen = edge();
    frozen.up(ann);
    assert.deepEqual(await acks.sessions(garden, 1, [ann]), []);
    // What comes too late is dropped.
    acks.answered(frozen.peer, frozen.asked[0]?.call as number, [ack(ann, 'acknowledged')]);
  });

  it('take one answer an edge, and none of one that was not asked', async () => {
    const { acks, edge } = scene();
    const [one, two, other] = [edge(), edge(), edge()];
    one.up(ann);
    two.up(bob);
    const answer = acks.sessions(garden, 1, [ann, bob]);
    const call = one.asked[0]?.call as number;
    acks.answered(other.peer, call, [ack(cyd, 'acknowledged')]);
    acks.answered(one.peer, call, [ack(ann, 'owing')]);
    acks.answered(one.peer, call, [ack(ann, 'acknowledged')]);
    acks.answered(two.peer, call, []);
    assert.deepEqual(await answer, [ack(ann, 'owing')]);
  });
});
