import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Nodes, say, sayTo } from '../helpers/nodes.ts';

describe('sessions of message and connection node together', () => {
  it('a send is acknowledged and delivered to both', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    const bob = await nodes.signIn('bob');
    const sent = await ada.asked(sayTo('bob', 'hello'), 'sent');
    assert.equal(sent.seq, 1n);
    const entry = await bob.delivered(sent.convId, 1);
    assert.equal(entry.sender, 'ada');
    await ada.delivered(sent.convId, 1);
    const again = await bob.asked(say(sent.convId, 'hi'), 'sent');
    assert.equal(again.seq, 2n);
  });

  it('welcome is the first thing that a session hears', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'garden', ['bob']);
    const ada = await nodes.signIn('ada');
    const sends = Array.from({ length: 40 }, (_, at) => say('garden', `text ${at}`));
    ada.send(...sends);
    const bob = await nodes.signIn('bob');
    await ada.delivered('garden', 41);
    await bob.barrier();
    assert.equal(bob.told()[0], 'welcome');
  });
});
