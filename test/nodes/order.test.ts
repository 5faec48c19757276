import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Event } from '../../gen/parley/chat/v1/session_pb.ts';
import { held } from '../helpers/faulty-store.ts';
import { Nodes, say, sayTo } from '../helpers/nodes.ts';
import type { TestSession } from '../helpers/test-session.ts';

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

describe('I1: a send', () => {
  it('I1: is neither acknowledged nor delivered before it is committed', async () => {
    await using nodes = await Nodes.open();
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    const gate = held('hold');
    nodes.store.script.push(gate.fault);
    const [id] = ada.send(sayTo('bob', 'one'));
    while (nodes.store.count('commit') === 0) await new Promise((resolve) => setImmediate(resolve));
    await ada.barrier();
    await bob.barrier();
    assert.deepEqual([ada.of('sent'), bob.of('entry')], [[], []]);
    gate.release();
    const { event } = await ada.answer(id as number);
    assert.equal(event.case, 'sent');
  });

  it('I1: is not answered on the strength of what the store only seems to have done', async () => {
    await using nodes = await Nodes.open();
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    nodes.store.script.push({ t: 'unavailable' });
    assert.equal((await ada.refusal(sayTo('bob', 'one'))).reason, 'storeUnavailable');
    await bob.barrier();
    assert.deepEqual(
      [bob.of('entry'), (await nodes.store.inner.memberships('bob' as never, undefined, 9)).length],
      [[], 0],
    );
  });
});

describe('I2: one order', () => {
  it('I2: senders at the same time: all receivers see one log without gaps, each sender’s own order in it', async () => {
    await using nodes = await Nodes.open({ edges: 2, message: { batchEntries: 7 } });
    const users = ['ada', 'bob', 'cyd', 'dan'];
    await nodes.createGroup('ada', 'g', users);
    const sessions: TestSession[] = [];
    for (const [at, user] of users.entries()) sessions.push(await nodes.signIn(user, { edge: at % 2 }));
    sessions.push(await nodes.signIn('ada', { edge: 1, deviceId: 'phone' }));
    const each = 60;
    const sent = sessions.map((session, at) =>
      numbers(1, each).map((no) => session.send(say('g', `${at} ${no}`))[0] as number),
    );
    const last = 1 + each * sessions.length;
    for (const session of sessions) await session.delivered('g', last);
    const [first, ...others] = sessions.map((session) =>
      session
        .live('g')
        .map(({ seq, content }) => [Number(seq), content.case === 'message' && content.value.content.value]),
    );
    assert.deepEqual(
      first?.map(([seq]) => seq),
      numbers(2, last),
    );
    for (const other of others) assert.deepEqual(other, first);
    for (const [at, ids] of sent.entries()) {
      const answers: Event[] = await Promise.all(ids.map((id) => (sessions[at] as TestSession).answer(id)));
      const seqs = answers.map(({ event }): number => (event.case === 'sent' ? Number(event.value.seq) : 0));
      assert.deepEqual(
        seqs,
        [...seqs].sort((a, b) => a - b),
      );
      const texts = seqs.map((seq): unknown => first?.[seq - 2]?.[1]);
      assert.deepEqual(
        texts,
        numbers(1, each).map((no) => `${at} ${no}`),
      );
    }
    assert.ok(nodes.store.count('commit') > 10, 'many batches');
  });

  it('I2: hundreds of conversations in one batch keep their own numbers', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    const peers = numbers(1, 60).map((no) => `user ${no}`);
    for (const round of [1, 2, 3]) {
      const ids: number[] = [];
      for (let from = 0; from < peers.length; from += 30)
        ids.push(...ada.send(...peers.slice(from, from + 30).map((peer) => sayTo(peer, 'x'))));
      for (const id of ids) {
        const { event } = await ada.answer(id);
        assert.ok(event.case === 'sent' && event.value.seq === BigInt(round));
      }
    }
    const report = await nodes.store.check();
    assert.deepEqual([report.conversations, report.entries, report.problems], [60, 180, []]);
  });
});
