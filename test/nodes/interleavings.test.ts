import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { bytesOf } from '../../services/core/byte-string.ts';
import { EntrySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import type { ConvId } from '../../services/core/ids.ts';
import { held } from '../helpers/faulty-store.ts';
import { Nodes, say, sayTo } from '../helpers/nodes.ts';
import { TempStore } from '../helpers/temp-store.ts';
import type { TestSession } from '../helpers/test-session.ts';

/** The interleavings that have a name, each forced. */

async function texts(nodes: Nodes, convId: string): Promise<string[]> {
  return (await nodes.log(convId)).map(({ seq, content }) => {
    const shown = fromBinary(EntrySchema, bytesOf(content)).content;
    const text = shown.case === 'message' ? String(shown.value.content.value) : String(shown.case);
    return `${seq} ${text}`;
  });
}

/** What became of each: a seq, or the reason of the refusal. */
async function answers(session: TestSession, ids: readonly number[]): Promise<(number | string)[]> {
  const events = await Promise.all(ids.map((id) => session.answer(id)));
  return events.map(({ event }) => {
    if (event.case === 'sent') return Number(event.value.seq);
    return event.case === 'error' ? event.value.reason : String(event.case);
  });
}

describe('failed batch followed by a good one', () => {
  for (const kind of ['unavailable', 'full', 'bug'] as const) {
    it(`I2: ${kind}: the numbers of the failed one are used by the next, nobody hears of it`, async () => {
      await using nodes = await Nodes.open();
      const ada = await nodes.signIn('ada');
      await nodes.createGroup('ada', 'g', ['bob']);
      const bob = await nodes.signIn('bob');
      nodes.store.script.push({ t: kind });
      const reasons = { unavailable: 'storeUnavailable', full: 'diskFull', bug: 'internal' };
      const refused = await answers(ada, ada.send(say('g', 'one', 'a'), say('g', 'two', 'b')));
      assert.deepEqual(refused, [reasons[kind], reasons[kind]]);
      assert.equal(bob.live('g').length, 0);
      assert.deepEqual(await answers(ada, ada.send(say('g', 'one', 'a'), say('g', 'two', 'b'))), [2, 3]);
      await bob.delivered('g', 3);
      assert.deepEqual(bob.liveSeqs('g'), [2, 3]);
      assert.deepEqual(await texts(nodes, 'g'), ['1 groupCreated', '2 one', '3 two']);
    });
  }
});

describe('I3: duplicate', () => {
  it('in one batch', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    const ids = ada.send(sayTo('bob', 'one', 'x'), sayTo('bob', 'other', 'x'), sayTo('bob', 'two', 'y'));
    assert.deepEqual(await answers(ada, ids), [1, 1, 2]);
    assert.deepEqual(
      ada.of('sent').map(({ duplicate }) => duplicate),
      [false, true, false],
    );
    assert.equal(nodes.store.count('commit'), 1, 'this is what the test is about');
  });

  it('across batches, with others around it', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    assert.deepEqual(await answers(ada, ada.send(sayTo('bob', 'one', 'x'))), [1]);
    const ids = ada.send(sayTo('bob', 'two', 'y'), sayTo('bob', 'one', 'x'), sayTo('bob', 'three', 'z'));
    assert.deepEqual(await answers(ada, ids), [2, 1, 3]);
    assert.deepEqual(await texts(nodes, ada.of('sent')[0]?.convId ?? ''), ['1 one', '2 two', '3 three']);
  });

  it('in two batches of which the first is still under way', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    const first = held();
    nodes.store.script.push(first.fault);
    const [one] = ada.send(sayTo('bob', 'one', 'x'));
    while (nodes.store.count('commit') === 0) await new Promise((resolve) => setImmediate(resolve));
    const [again] = ada.send(sayTo('bob', 'one', 'x'));
    await nodes.queued(1);
    first.release();
    assert.deepEqual(await answers(ada, [one as number, again as number]), [1, 1]);
  });

  it('after a restart', async () => {
    await using temp = await TempStore.open();
    const first = await Nodes.open({ store: temp.store });
    const sent = await (await first.signIn('ada')).asked(sayTo('bob', 'one', 'x'), 'sent');
    await first[Symbol.asyncDispose]();
    await using second = await Nodes.open({ store: await temp.reopen() });
    const ada = await second.signIn('ada');
    const again = await ada.asked(sayTo('bob', 'something else', 'x'), 'sent');
    const { seq, msgId, createdAtMs } = sent;
    assert.deepEqual(
      [again.seq, again.msgId, again.createdAtMs, again.duplicate],
      [seq, msgId, createdAtMs, true],
    );
    assert.deepEqual(await texts(second, sent.convId), ['1 one']);
  });

  it('of a change of a group, while the group node would refuse it', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', ['bob']);
    const first = await nodes.kick('ada', 'g', 'bob', 'k');
    const again = await nodes.kick('ada', 'g', 'bob', 'k');
    assert.equal(again.seq, first.seq);
    await assert.rejects(nodes.kick('ada', 'g', 'bob', 'l'), { reason: 'memberNotFound' });
  });

  it('of a group that is made without naming an id', async () => {
    await using nodes = await Nodes.open();
    const ids = await Promise.all(
      [
        ['ada', 'c'],
        ['ada', 'c'],
        ['ada', 'd'],
        ['bob', 'c'],
      ].map(async ([user, clientId]) => {
        const { group } = await nodes.createGroup(user as string, '', [], { clientId: clientId as string });
        return group?.groupId;
      }),
    );
    assert.equal(ids[0], ids[1]);
    assert.equal(new Set(ids).size, 3);
  });
});

describe('kicked sender retries', () => {
  it('I3, I4: the first result for an old client id, a refusal for a new one', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', ['bob']);
    const bob = await nodes.signIn('bob');
    const sent = await bob.asked(say('g', 'mine', 'x'), 'sent');
    const { seq } = await nodes.kick('ada', 'g', 'bob');
    const again = await bob.asked(say('g', 'mine', 'x'), 'sent');
    assert.deepEqual([again.seq, again.msgId, again.duplicate], [sent.seq, sent.msgId, true]);
    const refusal = await bob.refusal(say('g', 'another', 'y'));
    assert.deepEqual([refusal.reason, refusal.retry], ['notMember', 1]);
    const both = await answers(bob, bob.send(say('g', 'mine', 'x'), say('g', 'a third', 'z')));
    assert.deepEqual(both, [Number(sent.seq), 'notMember']);
    await bob.delivered('g', Number(seq));
    assert.deepEqual(bob.liveSeqs('g'), [2, 3], 'the last thing that bob hears of is the removal');
  });
});

describe('rules that change in the same batch as messages', () => {
  /** All that `enqueue` puts on its way is one batch; it says how many commands that are. */
  async function inOneBatch(
    nodes: Nodes,
    enqueue: (waiting: (commands: number) => Promise<void>) => Promise<void>,
  ) {
    const gate = held();
    nodes.store.script.push(gate.fault);
    const blocker = await nodes.signIn('blocker');
    const sent = blocker.asked(sayTo('nobody', 'this batch is held'), 'sent');
    const before = nodes.store.count('commit');
    while (nodes.store.count('commit') === before) await new Promise((resolve) => setImmediate(resolve));
    await enqueue((commands) => nodes.queued(commands));
    gate.release();
    await sent;
    return before + 1;
  }

  it('kick: messages before it pass, messages behind it do not', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', ['bob', 'cyd']);
    const [ada, bob, cyd] = [await nodes.signIn('ada'), await nodes.signIn('bob'), await nodes.signIn('cyd')];
    let ids: number[] = [];
    let kick: Promise<unknown> = Promise.resolve();
    const commits = await inOneBatch(nodes, async (waiting) => {
      ids = bob.send(say('g', 'before'));
      await waiting(1);
      kick = nodes.kick('ada', 'g', 'bob');
      await waiting(2);
      ids.push(...bob.send(say('g', 'behind')));
      ids.push(...ada.send(say('g', 'of another')));
      await waiting(4);
    });
    await kick;
    assert.deepEqual(await answers(bob, ids.slice(0, 2)), [2, 'notMember']);
    assert.deepEqual(await answers(ada, ids.slice(2)), [4]);
    assert.equal(nodes.store.count('commit'), commits + 1, 'this is what the test is about');
    await cyd.delivered('g', 4);
    await bob.barrier();
    assert.deepEqual(
      [bob.liveSeqs('g'), cyd.liveSeqs('g')],
      [
        [2, 3],
        [2, 3, 4],
      ],
    );
    assert.deepEqual(await texts(nodes, 'g'), [
      '1 groupCreated',
      '2 before',
      '3 memberRemoved',
      '4 of another',
    ]);
  });

  it('join: messages before it are not the newcomer’s, messages behind it are', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', []);
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    let ids: number[] = [];
    let add: Promise<unknown> = Promise.resolve();
    let early: number[] = [];
    await inOneBatch(nodes, async (waiting) => {
      early = bob.send(say('g', 'too early'));
      ids = ada.send(say('g', 'before'));
      await waiting(2);
      add = nodes.add('ada', 'g', ['bob']);
      await waiting(3);
      ids.push(...ada.send(say('g', 'behind')));
      early.push(...bob.send(say('g', 'at last')));
      await waiting(5);
    });
    await add;
    assert.deepEqual(await answers(ada, ids), [2, 4]);
    assert.deepEqual(await answers(bob, early), ['notMember', 5]);
    await bob.delivered('g', 5);
    assert.deepEqual(bob.liveSeqs('g'), [3, 4, 5]);
  });

  it('leave: messages before it pass, messages behind it do not', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', ['bob']);
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    let ids: number[] = [];
    let leave: Promise<unknown> = Promise.resolve();
    await inOneBatch(nodes, async (waiting) => {
      ids = bob.send(say('g', 'before'));
      await waiting(1);
      leave = nodes.leave('bob', 'g');
      await waiting(2);
      ids.push(...bob.send(say('g', 'behind')), ...ada.send(say('g', 'of another')));
      await waiting(4);
    });
    await leave;
    assert.deepEqual(await answers(bob, ids.slice(0, 2)), [2, 'notMember']);
    await ada.delivered('g', 4);
    await bob.barrier();
    assert.deepEqual(bob.liveSeqs('g'), [2, 3]);
  });
});

describe('unknown outcome', () => {
  for (const kind of ['unknownBefore', 'unknownAfter'] as const) {
    it(`I1, I3: ${kind}: the identical write is made again; one entry, one answer`, async () => {
      await using nodes = await Nodes.open();
      const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
      nodes.store.script.push({ t: kind }, { t: 'unavailable' });
      const sent = await ada.asked(sayTo('bob', 'one', 'x'), 'sent');
      assert.deepEqual([sent.seq, sent.duplicate], [1n, false]);
      await bob.delivered(sent.convId, 1);
      assert.equal(nodes.store.batches.length, 3);
      assert.equal(new Set(nodes.store.batches).size, 1, 'the identical batch');
      assert.equal((await ada.asked(sayTo('bob', 'two', 'y'), 'sent')).seq, 2n);
      assert.deepEqual(await texts(nodes, sent.convId), ['1 one', '2 two']);
    });
  }
});

describe('poison row', () => {
  it('is refused alone; all others of the batch are committed, in their order', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    const names = ['bob', 'cyd', 'dan', 'eve', 'fay'];
    nodes.store.poisonedContent = 'poison';
    const sends = names.flatMap((name) => [1, 2, 3].map((no) => sayTo(name, `${no} for ${name}`)));
    sends.splice(7, 0, sayTo('dan', 'poison'));
    const outcomes = await answers(ada, ada.send(...sends));
    assert.deepEqual(outcomes, [1, 2, 3, 1, 2, 3, 1, 'notStorable', 2, 3, 1, 2, 3, 1, 2, 3]);
    await ada.barrier();
    const convIds = [...new Set(ada.of('sent').map(({ convId }) => convId))];
    for (const convId of convIds) assert.deepEqual(ada.liveSeqs(convId), [1, 2, 3]);
    assert.deepEqual(await texts(nodes, convIds[2] as string), ['1 1 for dan', '2 2 for dan', '3 3 for dan']);
  });

  it('I2: with a store that fails in the middle of looking for it, order holds', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    nodes.store.poisonedContent = 'poison';
    // Whole batch and first half are rejected; the first quarter meets a store that is away.
    let commits = 0;
    nodes.store.beforeCommit = () => {
      commits += 1;
      if (commits === 3) nodes.store.script.push({ t: 'unavailable' });
    };
    const sends = ['one', 'poison', 'three', 'four'].map((text) => sayTo('bob', text, text));
    const outcomes = await answers(ada, ada.send(...sends));
    const passed = outcomes.filter((one) => typeof one === 'number');
    assert.deepEqual(passed, [], `nothing behind the refused one may pass: ${outcomes.join()}`);
    nodes.store.poisonedContent = undefined;
    assert.deepEqual(await answers(ada, ada.send(...sends)), [1, 2, 3, 4]);
  });

  it('I2: with a duplicate in the other half, order holds', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    await ada.asked(sayTo('bob', 'known', 'known'), 'sent');
    nodes.store.poisonedContent = 'poison';
    const sends = ['a', 'known', 'b', 'poison', 'c', 'd'].map((text) => sayTo('bob', text, text));
    const outcomes = await answers(ada, ada.send(...sends));
    assert.deepEqual(outcomes, [2, 1, 3, 'notStorable', 4, 5]);
  });
});

describe('commit, then death before fan-out', () => {
  it('I5: sync brings it, a retry is answered by it, and the successor forwards it', async () => {
    await using temp = await TempStore.open();
    await using dying = await Nodes.open({ store: temp.store });
    await dying.createGroup('ada', 'g', ['bob']);
    await using successor = await Nodes.open({ store: temp.store });
    const there = await successor.signIn('bob');
    await there.asked({ case: 'list', value: { convId: 'g' } }, 'entries');
    const death = held('holdAfter');
    dying.store.script.push(death.fault);
    const ada = await dying.signIn('ada');
    const [unanswered] = ada.send(say('g', 'last words', 'x'));
    while ((await dying.log('g')).length < 2) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!ada.told().includes('sent'));

    const later = await successor.signIn('bob', { deviceId: 'another' });
    await later.ask({ case: 'sync', value: { entries: 10 } });
    const [state] = later.of('changes').flatMap(({ conversations }) => conversations);
    assert.deepEqual(
      state?.entries.map(({ seq }) => seq),
      [1n, 2n],
      'sync brings it',
    );

    const again = await successor.signIn('ada', { deviceId: 'another' });
    const retried = await again.asked(say('g', 'last words', 'x'), 'sent');
    assert.deepEqual([retried.seq, retried.duplicate], [2n, true]);
    await there.delivered('g', 2);
    assert.deepEqual(there.liveSeqs('g'), [2], 'who learns of it forwards it');
    death.release();
    assert.deepEqual(await answers(ada, [unanswered as number]), [2]);
  });
});

describe('a session that registers while an entry commits', () => {
  it('I5: hears of it by sync or by push, whatever the moment', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', ['bob']);
    const ada = await nodes.signIn('ada');
    for (let round = 0; round < 60; round += 1) {
      const text = `round ${round}`;
      const pending = Array.from({ length: 5 }, () => ada.send(say('g', text))[0] as number);
      for (let turns = round % 20; turns > 0; turns -= 1)
        await new Promise((resolve) => setImmediate(resolve));
      const bob = nodes.connect();
      const hello = { protocolVersion: 1, deviceId: `round ${round}`, userId: 'bob' };
      bob.send({ case: 'hello', value: hello }, { case: 'sync', value: { entries: 50 } });
      pending.push(ada.send(say('g', text))[0] as number);
      const seqs = (await answers(ada, pending)).map(Number);
      await bob.until(({ event }) => event.case === 'changes' && event.value.done);
      await bob.barrier();
      const synced = bob.of('changes').flatMap(({ conversations }) => conversations);
      const head = Number(synced[0]?.headSeq ?? 0);
      const known = new Set([
        ...bob.liveSeqs('g'),
        ...(synced[0]?.entries.map(({ seq }) => Number(seq)) ?? []),
      ]);
      for (const seq of seqs) assert.ok(seq <= head - 50 || known.has(seq), `${seq} of ${text} is missing`);
      assert.deepEqual(
        bob.liveSeqs('g'),
        [...bob.liveSeqs('g')].sort((a, b) => a - b),
      );
      bob.hangUp();
    }
  });
});

describe('pipelined sends around a refusal', () => {
  it('I2: those behind a refused one are refused, too, and pass in their first order', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    const ids = ['a', 'b', 'c'].map((name) => sayTo('bob', name, name));
    nodes.store.script.push({ t: 'unavailable' });
    let late: number[] = [];
    nodes.store.beforeCommit = async () => {
      nodes.store.beforeCommit = () => {};
      // These come into the next batch, with the number of the one that is about to fail.
      late = ada.send(sayTo('bob', 'd', 'd'), sayTo('bob', 'e', 'e'));
      await nodes.queued(2);
    };
    assert.deepEqual(await answers(ada, ada.send(...ids)), Array(3).fill('storeUnavailable'));
    assert.deepEqual(await answers(ada, late), ['outOfOrder', 'outOfOrder']);
    const fresh = ada.send(sayTo('bob', 'f', 'f'), sayTo('bob', 'b', 'b'));
    assert.deepEqual(await answers(ada, fresh), ['outOfOrder', 'outOfOrder'], 'a is first');
    const retried = ada.send(...['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => sayTo('bob', name, name)));
    assert.deepEqual(await answers(ada, retried), [1, 2, 3, 4, 5, 6, 7]);
  });

  it('I2: a skipped one gives up its place', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    nodes.store.script.push({ t: 'full' });
    const first = ada.send(sayTo('bob', 'a', 'a'), sayTo('bob', 'b', 'b'));
    assert.deepEqual(await answers(ada, first), ['diskFull', 'diskFull']);
    await ada.asked({ case: 'skip', value: { target: { case: 'to', value: 'bob' }, clientId: 'a' } }, 'pong');
    assert.deepEqual(await answers(ada, ada.send(sayTo('bob', 'b', 'b'), sayTo('bob', 'c', 'c'))), [1, 2]);
  });

  it('other conversations go on', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    nodes.store.poisoned.add('none' as ConvId);
    nodes.store.script.push({ t: 'unavailable' });
    assert.deepEqual(await answers(ada, ada.send(sayTo('bob', 'a', 'a'))), ['storeUnavailable']);
    assert.deepEqual(await answers(ada, ada.send(sayTo('cyd', 'x'))), [1]);
  });
});

describe('rejoin', () => {
  it('begins anew: history, unread and live entries from the new joining on', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', ['bob']);
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    await ada.asked(say('g', 'one'), 'sent');
    await nodes.kick('ada', 'g', 'bob');
    await ada.asked(say('g', 'unheard'), 'sent');
    await nodes.add('ada', 'g', ['bob']);
    await ada.asked(say('g', 'two'), 'sent');
    await bob.delivered('g', 6);
    assert.deepEqual(bob.liveSeqs('g'), [2, 3, 5, 6]);
    const page = await bob.asked({ case: 'list', value: { convId: 'g' } }, 'entries');
    assert.deepEqual(
      page.entries.map(({ content }) => content.case),
      ['hidden', 'membersAdded', 'message'],
    );
    await bob.ask({ case: 'sync', value: {} });
    const [state] = bob.of('changes').flatMap(({ conversations }) => conversations);
    assert.deepEqual([state?.joinedSeq, state?.leftSeq, state?.unread], [5n, 0n, 1n]);
  });
});

describe('ack beyond the head', () => {
  it('is refused, and moves nothing; the other items of the same ack count', async () => {
    await using nodes = await Nodes.open();
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    const { convId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    await nodes.createGroup('ada', 'g', ['bob']);
    await bob.delivered('g', 1);
    const items = [
      { convId, seq: 2n },
      { convId: 'g', seq: 1n },
    ];
    const refusal = await bob.refusal({ case: 'ack', value: { items } });
    assert.equal(refusal.reason, 'beyondHead');
    await bob.barrier();
    await bob.ask({ case: 'sync', value: {} });
    const states = bob.of('changes').flatMap(({ conversations }) => conversations);
    const delivered = Object.fromEntries(states.map((one) => [one.convId, one.deliveredSeq]));
    assert.deepEqual(delivered, { [convId]: 0n, g: 1n });
    for (const value of [
      { convId, seq: 9n },
      { convId: 'nowhere', seq: 1n },
    ])
      await bob.refusal({ case: 'read', value });
  });

  it('of an entry that was fetched before it was pushed is taken', async () => {
    await using nodes = await Nodes.open({ edges: 1 });
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    const { convId, msgId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    bob.pause();
    await ada.asked(say(convId, 'two'), 'sent');
    await bob.asked({ case: 'list', value: { convId } }, 'entries');
    await bob.asked({ case: 'ack', value: { items: [{ convId, seq: 2n }, { msgId }] } }, 'pong');
    bob.resume();
    await bob.barrier();
    assert.deepEqual(bob.of('gap'), [], 'it has it already');
  });
});

describe('an I/O error in the middle of a batch', () => {
  for (const point of ['midBatch', 'beforeCommit', 'afterCommit'] as const) {
    it(`${point}: everything is answered, nothing acknowledged is lost, nothing is there twice`, async () => {
      await using temp = await TempStore.open(`${point}=error@2`);
      await using nodes = await Nodes.open({ store: temp.store });
      const ada = await nodes.signIn('ada');
      await ada.asked(sayTo('bob', 'first'), 'sent');
      const names = ['bob', 'cyd', 'dan', 'eve'];
      let open = names.map((name) => sayTo(name, `for ${name}`, 'x'));
      for (let tries = 0; open.length > 0; tries += 1) {
        assert.ok(tries < 200, 'it does not come back');
        const outcomes = await answers(ada, ada.send(...open));
        for (const one of outcomes)
          assert.ok(typeof one === 'number' || ['storeUnavailable', 'outOfOrder'].includes(one), String(one));
        open = open.filter((_, at) => typeof outcomes[at] !== 'number');
        if (open.length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const report = await temp.store.check();
      assert.deepEqual([report.entries, report.problems], [5, []]);
    });
  }
});
