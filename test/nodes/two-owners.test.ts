import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { held } from '../helpers/faulty-store.ts';
import { Nodes, say, sayTo } from '../helpers/nodes.ts';
import { TempStore } from '../helpers/temp-store.ts';

/** Two message nodes that both believe that they own a conversation, on one store. */
async function open() {
  const temp = await TempStore.open();
  const one = await Nodes.open({ store: temp.store });
  const other = await Nodes.open({ store: temp.store });
  await one.createGroup('ada', 'g', ['bob', 'cyd']);
  // The other one has the group as it is now.
  for (const user of ['bob', 'cyd']) {
    const session = await other.signIn(user, { deviceId: 'first look' });
    await session.asked({ case: 'list', value: { convId: 'g' } }, 'entries');
    session.hangUp();
  }
  return {
    one,
    other,
    async [Symbol.asyncDispose]() {
      await one[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

describe('I4: the store fences', () => {
  it('I4: a send that lost to a kick is checked again, and neither acknowledged nor delivered', async () => {
    await using both = await open();
    const { one, other } = both;
    const [bob, cyd] = [await other.signIn('bob'), await other.signIn('cyd')];
    await one.kick('ada', 'g', 'bob');
    const refusal = await bob.refusal(say('g', 'too late'));
    assert.equal(refusal.reason, 'notMember');
    assert.equal(other.message.meters.fenceLost, 1);
    const entry = await bob.delivered('g', 2);
    assert.equal(entry.content.case, 'memberRemoved', 'what it learns it forwards, to the removed one, too');
    await cyd.delivered('g', 2);
    assert.deepEqual([bob.liveSeqs('g'), cyd.liveSeqs('g')], [[2], [2]]);
    assert.equal((await one.log('g')).length, 2);
  });

  it('I4: a send that lost to another is committed behind it; both owners’ receivers see one log', async () => {
    await using both = await open();
    const { one, other } = both;
    const [ada, bob] = [await one.signIn('ada'), await other.signIn('bob')];
    await ada.asked(say('g', 'first'), 'sent');
    const sent = await bob.asked(say('g', 'second'), 'sent');
    assert.equal(sent.seq, 3n);
    await bob.delivered('g', 3);
    assert.deepEqual(bob.liveSeqs('g'), [2, 3]);
    assert.equal((await ada.asked(say('g', 'third'), 'sent')).seq, 4n);
    await ada.delivered('g', 4);
    assert.deepEqual(ada.liveSeqs('g'), [2, 3, 4]);
  });

  it('I4: a change of a group is neither done nor refused on rules that could not be confirmed', async () => {
    await using both = await open();
    const { one, other } = both;
    await one.kick('ada', 'g', 'bob');
    for (const change of [() => other.add('ada', 'g', ['bob']), () => other.kick('ada', 'g', 'dan')]) {
      other.store.failReads('range', 1);
      await assert.rejects(change, { reason: 'storeUnavailable' });
    }
    await other.add('ada', 'g', ['bob']);
    assert.equal((await one.log('g')).length, 3);
  });

  it('I4: two that write at the same moment: one wins, the other comes after it', async () => {
    await using both = await open();
    const { one, other } = both;
    const [ada, bob] = [await one.signIn('ada'), await other.signIn('bob')];
    const gates = [held(), held()];
    one.store.script.push((gates[0] as ReturnType<typeof held>).fault);
    other.store.script.push((gates[1] as ReturnType<typeof held>).fault);
    const [ids, otherIds] = [
      ada.send(say('g', 'a1'), say('g', 'a2')),
      bob.send(say('g', 'b1'), say('g', 'b2')),
    ];
    while (one.store.batches.length < 2 || other.store.batches.length < 1)
      await new Promise((resolve) => setImmediate(resolve));
    for (const gate of gates) gate.release();
    const seqs = async (session: typeof ada, which: readonly number[]) =>
      (await Promise.all(which.map((id) => session.answer(id)))).map(({ event }) =>
        event.case === 'sent' ? Number(event.value.seq) : event.case,
      );
    const all = [...(await seqs(ada, ids)), ...(await seqs(bob, otherIds))];
    assert.deepEqual([all.slice(0, 2), all.slice(2)].sort(), [
      [2, 3],
      [4, 5],
    ]);
  });

  it('I4: nobody is refused for good on rules that another owner has changed', async () => {
    await using both = await open();
    const { one, other } = both;
    const dan = await other.signIn('dan');
    await one.add('ada', 'g', ['dan']);
    const sent = await dan.asked(say('g', 'let in'), 'sent');
    assert.equal(sent.seq, 3n);
    await dan.delivered('g', 3);
    assert.deepEqual(dan.liveSeqs('g'), [2, 3]);
    assert.equal(other.message.meters.fenceLost, 0, 'noticed before writing');
  });

  it('I4: a change of a group is decided again on the rules as they are', async () => {
    await using both = await open();
    const { one, other } = both;
    await one.kick('ada', 'g', 'bob');
    await assert.rejects(other.kick('ada', 'g', 'bob'), { reason: 'memberNotFound' });
    await one.add('ada', 'g', ['dan']);
    await other.kick('ada', 'g', 'dan');
    assert.deepEqual(
      (await one.log('g')).map(({ kind }) => kind),
      ['groupCreated', 'memberRemoved', 'membersAdded', 'memberRemoved'],
    );
  });

  it('I4: that there is nothing to do is said on the rules as they are', async () => {
    await using both = await open();
    const { one, other } = both;
    // Each holds the group with bob in it when the other one removes him.
    await other.kick('ada', 'g', 'bob');
    await one.add('ada', 'g', ['bob']);
    assert.deepEqual(
      (await one.log('g')).map(({ kind }) => kind),
      ['groupCreated', 'memberRemoved', 'membersAdded'],
    );
  });

  it('I4: a message recalled by one owner is not recalled again by the other', async () => {
    await using both = await open();
    const { one, other } = both;
    const [ada, again] = [await one.signIn('ada'), await other.signIn('ada')];
    await ada.asked(say('g', 'secret'), 'sent');
    const recall = (clientId: string) =>
      ({ case: 'recall', value: { convId: 'g', seq: 2n, clientId } }) as const;
    await ada.asked(recall('r1'), 'sent');
    assert.equal((await again.refusal(recall('r2'))).reason, 'notRecallable');
    const answered = await again.asked(recall('r1'), 'sent');
    assert.deepEqual([answered.seq, answered.duplicate], [3n, true]);
    const page = await again.asked({ case: 'list', value: { convId: 'g', fromSeq: 2n } }, 'entries');
    assert.deepEqual(
      page.entries.map(({ content }) => content.case),
      ['recalled', 'recall'],
    );
  });

  it('I4: a direct conversation that both make at once is one', async () => {
    await using both = await open();
    const { one, other } = both;
    const [ada, bob] = [await one.signIn('ada'), await other.signIn('bob')];
    const gates = [held(), held()];
    one.store.script.push((gates[0] as ReturnType<typeof held>).fault);
    other.store.script.push((gates[1] as ReturnType<typeof held>).fault);
    const answers = [ada.asked(sayTo('bob', 'hi'), 'sent'), bob.asked(sayTo('ada', 'hello'), 'sent')];
    while (one.store.batches.length < 2 || other.store.batches.length < 1)
      await new Promise((resolve) => setImmediate(resolve));
    for (const gate of gates) gate.release();
    const sent = await Promise.all(answers);
    assert.deepEqual(sent.map(({ seq }) => seq).sort(), [1n, 2n]);
    const { problems } = await one.store.check();
    assert.deepEqual(problems, []);
  });

  it('I4: what was learned is forwarded even if the store does not answer at first', async () => {
    await using both = await open();
    const { one, other } = both;
    const [ada, bob] = [await one.signIn('ada'), await other.signIn('bob')];
    for (const text of ['a', 'b', 'c']) await ada.asked(say('g', text), 'sent');
    other.store.failReads('range', 2);
    const sent = await bob.asked(say('g', 'mine'), 'sent');
    assert.equal(sent.seq, 5n);
    await bob.delivered('g', 5);
    assert.deepEqual(bob.liveSeqs('g'), [2, 3, 4, 5]);
  });

  it('I4: what can not be read again is refused with a retry, and goes in then', async () => {
    await using both = await open();
    const { one, other } = both;
    const [ada, bob] = [await one.signIn('ada'), await other.signIn('bob')];
    await ada.asked(say('g', 'a'), 'sent');
    other.store.failReads('load', 1);
    const refusal = await bob.refusal(say('g', 'mine', 'm'));
    assert.equal(refusal.reason, 'overloaded');
    assert.equal((await bob.asked(say('g', 'mine', 'm'), 'sent')).seq, 3n);
  });
});
