import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { OwnerFrame } from '../peer/edge-frames.ts';
import type { MemberRow } from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';
import { EdgePeer } from './edge-peer.ts';
import { EdgeSession } from './edge-session.ts';
import { FanOut } from './fan-out.ts';
import { PresenceBook } from './presence-book.ts';
import { Replay } from './replay.ts';
import { Books } from './testing/books.ts';
import { ada, bob, cyd, decision, garden, kicked, send } from './testing/samples.ts';

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
  edge.complete = true;
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

/** An edge that names its sessions one by one, while cyd's node commits. */
class Snapshot {
  readonly books = new Books();
  readonly told: OwnerFrame[] = [];
  readonly edge: EdgePeer;
  readonly #presence = new PresenceBook();
  readonly fanOut: FanOut;
  #sessions = 0;

  constructor() {
    const link = {
      send: (frame: OwnerFrame) => (this.told.push(frame), 'queued' as const),
      close: () => {},
    };
    this.edge = new EdgePeer({ no: 1, nodeId: 'e1', link, linkedAtMs: 0 });
    this.#presence.edges.add(this.edge);
    const clock = { wallMs: () => 0, monotonicMs: () => 0 };
    const { hot } = this.books;
    this.fanOut = new FanOut({ hot, presence: this.#presence, incarnation: 1, recent: undefined, clock });
  }

  /** A group of ada, bob and cyd that has had a message, its second entry. */
  static async open(): Promise<Snapshot> {
    const snapshot = new Snapshot();
    const group = { name: 'G', owner: 'ada', maxMembers: 9, history: 'all' as const };
    const created = { t: 'groupCreated', group, members: [ada, bob, cyd] } as const;
    await snapshot.books.commit(garden, decision(ada, 'create', [], created), send(cyd, 'm2'));
    return snapshot;
  }

  names(userId: UserId): void {
    const { edge, fanOut } = this;
    const no = (this.#sessions += 1);
    this.#presence.up(new EdgeSession({ edge, no, userId, deviceId: `d${no}`, sinceMs: 0 }));
    fanOut.sessionUp(edge, userId);
  }

  /** An entry is committed and forwarded. */
  async says(clientId: string): Promise<void> {
    await this.books.commit(garden, send(cyd, clientId));
    await this.#forward(new Map());
  }

  async kicks(userId: UserId): Promise<void> {
    await this.books.commit(garden, decision(ada, `kick ${userId}`, [], kicked(userId)));
    await this.#forward(new Map([[userId, this.books.member(garden, userId) as MemberRow]]));
  }

  async #forward(changed: ReadonlyMap<UserId, MemberRow>): Promise<void> {
    const entries = this.books.store.log(garden).slice(-1);
    await this.with((conversation) => this.fanOut.forward(conversation, entries, changed));
  }

  with(use: (conversation: Conversation) => void): Promise<void> {
    return this.books.hot.with(garden, use);
  }

  /** Every session has been named. */
  async end(): Promise<void> {
    const { edge, fanOut, books } = this;
    edge.complete = true;
    const replay = new Replay({
      hot: books.hot,
      fanOut,
      presence: this.#presence,
      bug: (error) => assert.ifError(error),
      pull: async (_edge, conversation, from, to) =>
        fanOut.repeat(conversation, edge, books.store.log(garden).slice(from - 1, to)),
    });
    await replay.tell(edge);
  }

  /** Who was told of which entries, given that an edge hands one to those whom it knows by then. */
  get heard(): Record<UserId, Seq[]> {
    const heard: Record<UserId, Seq[]> = {};
    for (const frame of this.told) {
      if (frame.t === 'audience') for (const { userId } of frame.users) heard[userId] ??= [];
      if (frame.t === 'entry') for (const seqs of Object.values(heard)) seqs.push(frame.entry.seq);
    }
    return heard;
  }
}

describe('an edge that has not named all of its sessions', () => {
  it('I5: has what is committed meanwhile, and what it missed before, told to those named before and after', async () => {
    const snapshot = await Snapshot.open();
    snapshot.edge.missedBefore(new Map([[garden, 2]]));
    snapshot.names(ada);
    await snapshot.says('m3');
    snapshot.names(bob);
    assert.equal(snapshot.edge.caughtUp, false);
    await snapshot.end();
    assert.deepEqual(snapshot.heard, { ada: [2, 3], bob: [2, 3] });
    assert.equal(snapshot.edge.caughtUp, true);
    await snapshot.says('m4');
    assert.deepEqual(snapshot.heard, { ada: [2, 3, 4], bob: [2, 3, 4] });
  });

  it('I5: has it told to somebody who is removed meanwhile, up to the removal', async () => {
    const snapshot = await Snapshot.open();
    snapshot.names(ada);
    await snapshot.kicks(bob);
    snapshot.names(bob);
    await snapshot.end();
    assert.deepEqual(snapshot.heard, { ada: [3], bob: [3] });
  });

  it('I5: has it told when entries of a dead node are forwarded meanwhile', async () => {
    const snapshot = await Snapshot.open();
    snapshot.names(ada);
    await snapshot.with((conversation) => {
      snapshot.fanOut.mayLack(conversation, 2);
      snapshot.fanOut.repeat(conversation, snapshot.edge, snapshot.books.store.log(garden).slice(1));
    });
    snapshot.names(bob);
    assert.equal(snapshot.edge.caughtUp, false);
    await snapshot.end();
    assert.deepEqual(snapshot.heard, { ada: [2], bob: [2] });
  });

  for (const [what, happen] of [
    ['a conversation is taken over', ({ fanOut }: Snapshot, it: Conversation) => fanOut.takenOver(it)],
    ['rules are read again', ({ fanOut }: Snapshot, it: Conversation) => fanOut.reset(it, 2)],
    ['the edge asks for it', ({ fanOut, edge }: Snapshot, it: Conversation) => fanOut.tellWhole(it, edge, 2)],
  ] as const)
    it(`I5: has it told when ${what} meanwhile`, async () => {
      const snapshot = await Snapshot.open();
      snapshot.names(ada);
      await snapshot.with((conversation) => {
        conversation.unsure = { fromSeq: 2, sinceMs: 0, untilMs: 10_000 };
        happen(snapshot, conversation);
      });
      snapshot.names(bob);
      assert.deepEqual(snapshot.told, []);
      await snapshot.end();
      assert.deepEqual(snapshot.heard, { ada: [2], bob: [2] });
    });

  it('I6: has its sessions sync rather than have more noted than may be, whatever was remembered before', () => {
    const snapshot = new Snapshot();
    const { edge } = snapshot;
    edge.missedBefore(new Map(Array.from({ length: 150_000 }, (_, no) => [`before ${no}` as ConvId, 1])));
    for (let no = 0; no < 100_000; no += 1) edge.misses(`meanwhile ${no}` as ConvId, 1);
    edge.misses('before 1' as ConvId, 1);
    assert.equal(edge.staleBeforeMs, Number.NEGATIVE_INFINITY);
    edge.misses(garden, 1);
    assert.equal(edge.staleBeforeMs, Number.POSITIVE_INFINITY);
    assert.equal(edge.missed.size, 250_000);
  });
});
