import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { Nodes, sayTo } from '../helpers/nodes.ts';

const send = (text: string) => ({
  send: {
    target: { case: 'to' as const, value: 'bob' },
    clientId: text,
    body: { content: { case: 'text' as const, value: text } },
  },
});

describe('sends are counted by whose doing their answer is', () => {
  it('those of sessions', async () => {
    await using nodes = await Nodes.open();
    const { sends } = nodes.edges[0]!.node.meters;
    const ada = await nodes.signIn('ada');
    await ada.asked(sayTo('bob', 'one'), 'sent');
    assert.deepEqual(sends, { acknowledged: 1, refused: 0, failed: 0 });
    await ada.ask(sayTo('bob', ''));
    assert.deepEqual(sends, { acknowledged: 1, refused: 1, failed: 0 }, 'there is nothing in it');
    nodes.store.script.push({ t: 'unavailable' });
    await ada.ask(sayTo('bob', 'two', 'two'));
    assert.deepEqual(sends, { acknowledged: 1, refused: 1, failed: 1 }, 'the store did not take it');
    await ada.ask(sayTo('bob', 'three'));
    assert.deepEqual(sends, { acknowledged: 1, refused: 1, failed: 2 }, 'it waits behind one that failed');
    await ada.asked(sayTo('bob', 'two', 'two'), 'sent');
    assert.deepEqual(sends, { acknowledged: 2, refused: 1, failed: 2 });
  });

  it('unary ones, with the time that they took', async () => {
    await using nodes = await Nodes.open();
    const { meters } = nodes.edges[0]!.node;
    const seconds: number[] = [];
    meters.onSendSeconds = (took) => seconds.push(took);
    await nodes.call(MessageService.method.send, send('one'), 'ada');
    nodes.store.script.push({ t: 'full' });
    await assert.rejects(nodes.call(MessageService.method.send, send('two'), 'ada'), { reason: 'diskFull' });
    assert.deepEqual(meters.sends, { acknowledged: 1, refused: 0, failed: 1 });
    assert.equal(seconds.length, 1);
    assert.ok(seconds[0]! >= 0);
  });
});
