import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Nodes, say, sayTo } from '../helpers/nodes.ts';
import type { TestSession } from '../helpers/test-session.ts';

const gaps = (session: TestSession) =>
  session.of('gap').map(({ convId, fromSeq, toSeq }) => `${convId} ${fromSeq}-${toSeq}`);

describe('I5: gapless or told', () => {
  it('I5: a session that its door has paused is told exactly what it missed, and goes on live', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', ['bob']);
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    await ada.asked(say('g', 'one'), 'sent');
    await bob.delivered('g', 2);
    bob.pause();
    for (const text of ['two', 'three', 'four']) await ada.asked(say('g', text), 'sent');
    await ada.delivered('g', 5);
    assert.deepEqual([bob.liveSeqs('g'), gaps(bob)], [[2], []]);
    bob.resume();
    await bob.until(({ event }) => event.case === 'gap');
    await ada.asked(say('g', 'five'), 'sent');
    await bob.delivered('g', 6);
    assert.deepEqual([bob.liveSeqs('g'), gaps(bob)], [[2, 6], ['g 3-5']]);
  });

  it('I5: a session over its window is told the exact range once it acknowledges', async () => {
    await using nodes = await Nodes.open({ connection: { windowBytes: 500 } });
    await nodes.createGroup('ada', 'g', ['bob']);
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    for (let no = 1; no <= 20; no += 1) await ada.asked(say('g', `text ${no}`), 'sent');
    // The sender acknowledges nothing either, and is held back like everybody.
    await bob.barrier();
    const pushed = bob.liveSeqs('g');
    assert.ok(pushed.length > 0 && pushed.length < 20, `${pushed.length}`);
    bob.ack('g', pushed.at(-1) as number);
    await bob.until(({ event }) => event.case === 'gap');
    assert.deepEqual(gaps(bob), [`g ${(pushed.at(-1) as number) + 1}-21`]);
    bob.ack('g', 21);
    await ada.asked(say('g', 'again'), 'sent');
    await bob.delivered('g', 22);
  });

  it('I5: what is not acknowledged is announced up to three times; then the session is closed', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    await using nodes = await Nodes.open();
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    const { convId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    await bob.delivered(convId, 1);
    await ada.delivered(convId, 1);
    ada.ack(convId, 1);
    for (let seconds = 0; seconds < 140 && bob.closed === undefined; seconds += 5) {
      nodes.clock.advance(5_000);
      for (const session of [ada, bob])
        if (session.closed === undefined) session.tell({ case: 'ping', value: {} });
      t.mock.timers.tick(5_000);
      await ada.barrier();
    }
    assert.deepEqual(gaps(bob), Array(3).fill(`${convId} 1-1`));
    assert.equal((await bob.end()).reason, 'unacknowledged');
    assert.deepEqual([gaps(ada), ada.closed], [[], undefined]);
  });

  it('I5: a session that reads nothing for long is closed as a slow consumer', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    await using nodes = await Nodes.open({ connection: { slowConsumerMs: 30_000 } });
    const bob = await nodes.signIn('bob');
    bob.pause();
    nodes.clock.advance(29_000);
    t.mock.timers.tick(1_000);
    assert.equal(bob.closed, undefined);
    nodes.clock.advance(2_000);
    t.mock.timers.tick(1_000);
    const { code, reason } = await bob.end();
    assert.deepEqual([code, reason], [4508, 'slowConsumer']);
  });

  it('I5: conversations that the owner lets go are pushed again when something happens in them', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    await using nodes = await Nodes.open({ message: { hotConversations: 1 } });
    await nodes.createGroup('ada', 'g', ['bob']);
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    await ada.asked(say('g', 'one'), 'sent');
    await bob.delivered('g', 2);
    for (let round = 0; round < 4; round += 1) {
      await ada.asked(sayTo(`stranger ${round}`, 'x'), 'sent');
      // Cursors hold a conversation until they are written.
      for (let ticks = 0; ticks < 6; ticks += 1) {
        t.mock.timers.tick(500);
        await ada.barrier();
      }
    }
    assert.ok(nodes.message.hotConversations <= 1, 'this is what the test is about');
    // An acknowledgement of a conversation that is not hot any more counts all the same.
    bob.ack('g', 2);
    await bob.barrier();
    await ada.asked(say('g', 'two'), 'sent');
    await bob.delivered('g', 3);
    assert.deepEqual([bob.liveSeqs('g'), gaps(bob)], [[2, 3], []]);
    await bob.ask({ case: 'sync', value: {} });
    const [state] = bob.of('changes').flatMap(({ conversations }) => conversations);
    assert.equal(state?.deliveredSeq, 2n);
  });

  it('I5: several devices of a user get everything each', async () => {
    await using nodes = await Nodes.open({ edges: 2 });
    const phone = await nodes.signIn('bob', { deviceId: 'phone' });
    const tab = await nodes.signIn('bob', { deviceId: 'tab', edge: 1 });
    const desk = await nodes.signIn('bob', { deviceId: 'desk' });
    const ada = await nodes.signIn('ada');
    const { convId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    desk.hangUp();
    await ada.asked(sayTo('bob', 'two'), 'sent');
    for (const session of [phone, tab]) {
      await session.delivered(convId, 2);
      assert.deepEqual(session.liveSeqs(convId), [1, 2]);
    }
    await phone.asked(say(convId, 'from the phone'), 'sent');
    await tab.delivered(convId, 3);
    await phone.delivered(convId, 3);
    await ada.delivered(convId, 3);
  });

  it('I5: an edge whose link breaks ends its sessions, and the others go on', async () => {
    await using nodes = await Nodes.open({ edges: 2 });
    const [ada, bob, cyd] = [
      await nodes.signIn('ada'),
      await nodes.signIn('bob', { edge: 1 }),
      await nodes.signIn('cyd'),
    ];
    await nodes.createGroup('ada', 'g', ['bob', 'cyd']);
    await bob.delivered('g', 1);
    nodes.edges[1]?.unlink();
    const { code, reason } = await bob.end();
    assert.deepEqual([code, reason], [4503, 'ownerLost']);
    await ada.asked(say('g', 'still here'), 'sent');
    await cyd.delivered('g', 2);
    await ada.asked({ case: 'watch', value: { userIds: ['bob'] } }, 'pong');
    const presence = await ada.until(({ event }) => event.case === 'presence');
    assert.ok(presence.event.case === 'presence' && !presence.event.value.online);
    const late = nodes.connect(1);
    late.send({ case: 'hello', value: { protocolVersion: 1, deviceId: 'd', userId: 'bob' } });
    assert.equal((await late.end()).reason, 'upstreamUnavailable', 'at once, not after a timeout');
  });
});
