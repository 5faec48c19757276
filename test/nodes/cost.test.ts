import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Nodes, say } from '../helpers/nodes.ts';

/** What a send of ada writes to the store, and what it costs on the way out, in a group of so many members. */
async function costOfASend(members: number) {
  const nodes = await Nodes.open();
  await using _ = nodes;
  await nodes.createGroup('ada', 'g', [], { maxMembers: 100_000 });
  for (let from = 1; from < members; from += 1_000) {
    const users = Array.from({ length: Math.min(1_000, members - from) }, (__, at) => `user ${from + at}`);
    await nodes.add('ada', 'g', users);
  }
  const ada = await nodes.signIn('ada');
  const listeners = await Promise.all(
    [1, 2, 3].slice(0, members - 1).map((no) => nodes.signIn(`user ${no}`)),
  );
  const warm = await ada.asked(say('g', 'x'), 'sent');
  for (const session of [ada, ...listeners]) await session.delivered('g', Number(warm.seq));
  // What went before is written, so that only this send is counted.
  await nodes.message.drain();
  const [batches, rows, reads] = [
    nodes.store.batches.length,
    nodes.store.cursorRows.length,
    nodes.store.count('load'),
  ];
  const sent = await ada.asked(say('g', 'x'), 'sent');
  for (const session of [ada, ...listeners]) await session.delivered('g', Number(sent.seq));
  await nodes.message.drain();
  const [commit] = nodes.store.batches.slice(batches).flatMap(({ conversations }) => conversations);
  return {
    batches: nodes.store.batches.length - batches,
    entries: commit?.entries.length,
    members: commit?.members.length,
    projections: commit?.projections.length,
    group: commit?.group,
    cursorRows: nodes.store.cursorRows.slice(rows).map(({ userId }) => userId),
    loads: nodes.store.count('load') - reads,
  };
}

describe('I9: derived, not stored per member', () => {
  it('I9: a send writes the same rows for 2 members and for 5,000', async () => {
    const small = await costOfASend(2);
    assert.deepEqual(small, {
      batches: 1,
      entries: 1,
      members: 0,
      projections: 0,
      group: undefined,
      cursorRows: ['ada'],
      loads: 0,
    });
    assert.deepEqual(await costOfASend(5_000), small);
  });

  it('I9: nothing is written for those who hear of it but what they acknowledge, once an interval', async () => {
    await using nodes = await Nodes.open({ message: { cursorFlushMs: 1_000_000 } });
    await nodes.createGroup('ada', 'g', ['bob', 'cyd']);
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    for (let no = 2; no <= 30; no += 1) {
      await ada.asked(say('g', 'x'), 'sent');
      await bob.delivered('g', no);
      bob.ack('g', no);
    }
    await bob.barrier();
    await nodes.message.drain();
    assert.deepEqual(
      nodes.store.cursorRows
        .map(({ userId, deliveredSeq, readSeq }) => [userId, deliveredSeq, readSeq])
        .sort(),
      [
        ['ada', 30, 30],
        ['bob', 30, 0],
      ],
    );
  });
});
