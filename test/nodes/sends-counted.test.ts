import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { held } from '../helpers/faulty-store.ts';
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

  it('what waits behind one that was too fast is the client’s doing, as that one is', async () => {
    await using nodes = await Nodes.open({ connection: { commandRate: 100, commandBurst: 40 } });
    const { sends } = nodes.edges[0]!.node.meters;
    const ada = await nodes.signIn('ada');
    const reasonOf = async (id: number) => {
      const { event } = await ada.answer(id);
      return event.case === 'error' ? event.value.reason : event.case;
    };
    const texts = Array.from({ length: 60 }, (_, at) => `${at}`);
    const reasons = await Promise.all(
      ada.send(...texts.map((text) => sayTo('bob', text, text))).map(reasonOf),
    );
    const taken = reasons.filter((one) => one === 'sent').length;
    assert.ok(taken > 0 && taken < 59 && reasons[taken] === 'rateLimited', reasons.join());
    nodes.clock.advance(1_000);
    const [behind = 0] = ada.send(sayTo('bob', 'behind', 'behind'));
    assert.equal(await reasonOf(behind), 'outOfOrder');
    assert.deepEqual(sends, { acknowledged: taken, refused: 61 - taken, failed: 0 });
    // The first of them comes again, and now it is the server that does not take it.
    nodes.store.script.push({ t: 'unavailable' });
    const [first = 0, next = 0] = ada.send(...[`${taken}`, 'next'].map((text) => sayTo('bob', text, text)));
    assert.deepEqual([await reasonOf(first), await reasonOf(next)], ['storeUnavailable', 'outOfOrder']);
    assert.equal(sends.acknowledged, taken);
    assert.ok(sends.failed >= 1);
    const failed = sends.failed;
    const [last = 0] = ada.send(sayTo('bob', 'last', 'last'));
    assert.equal(await reasonOf(last), 'outOfOrder');
    assert.equal(sends.failed, failed + 1);
  });

  it('so is what is more than a session may have under way', async () => {
    await using nodes = await Nodes.open({ connection: { maxInFlight: 4 } });
    const { sends } = nodes.edges[0]!.node.meters;
    const ada = await nodes.signIn('ada');
    const gate = held();
    nodes.store.script.push(gate.fault);
    const ids = ada.send(...['1', '2', '3', '4', '5', '6'].map((text) => sayTo('bob', text, text)));
    await Promise.all(ids.slice(4).map((id) => ada.answer(id)));
    assert.deepEqual(sends, { acknowledged: 0, refused: 2, failed: 0 });
    gate.release();
    await Promise.all(ids.slice(0, 4).map((id) => ada.answer(id)));
    assert.equal((await ada.refusal(sayTo('bob', '7'))).reason, 'outOfOrder');
    assert.deepEqual(sends, { acknowledged: 4, refused: 3, failed: 0 });
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
