import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLogger } from '../../services/core/log.ts';
import { Nodes, say } from '../helpers/nodes.ts';
import { TempStore } from '../helpers/temp-store.ts';

/** A log, and what was written to it of one kind. */
function kept() {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = createLogger({ level: 'debug', format: 'json' }, { write });
  return { log, of: (action: string) => lines.filter((line) => line['event.action'] === action) };
}

const secret = 'kaiserschmarrn';

describe('the log', () => {
  it('has who was not let in, and nothing of what he said', async () => {
    const { log, of } = kept();
    await using nodes = await Nodes.open({ log });
    const session = nodes.connect();
    const hello = { protocolVersion: 1, deviceId: secret, userId: secret, token: secret };
    session.send({ case: 'hello', value: hello });
    await session.until(({ event }) => event.case === 'kicked');
    const context = { bearer: secret, user: secret, remoteAddress: '192.0.2.3' };
    const rpc = 'parley.chat.v1.ConversationService/ListConversations';
    await assert.rejects(nodes.edges[0]!.node.call(rpc, {}, context), { reason: 'tokenInvalid' });
    const refused = of('sign-in-refused');
    assert.deepEqual(
      refused.map((line) => [line['parley.reason'], line['client.address'], line['parley.rpc']]),
      [
        ['tokenInvalid', '127.0.0.1', undefined],
        ['tokenInvalid', '192.0.2.3', rpc],
      ],
    );
    assert.ok(!JSON.stringify(refused).includes(secret));
  });

  it('has not that a session went away while it signed in', async () => {
    const { log, of } = kept();
    await using nodes = await Nodes.open({ log });
    const session = nodes.connect();
    session.send({ case: 'hello', value: { protocolVersion: 1, deviceId: 'd', userId: 'ada', token: 'no' } });
    session.hangUp();
    // Whoever comes after him has been served once his token has been looked at.
    await nodes.signIn('bob');
    assert.deepEqual(of('sign-in-refused'), []);
  });

  it('has where another owner was first', async () => {
    const { log, of } = kept();
    await using temp = await TempStore.open();
    await using one = await Nodes.open({ store: temp.store });
    await using other = await Nodes.open({ store: temp.store, log });
    await one.createGroup('ada', 'g', ['bob']);
    const bob = await other.signIn('bob');
    await bob.asked({ case: 'list', value: { convId: 'g' } }, 'entries');
    await (await one.signIn('ada')).asked(say('g', secret), 'sent');
    await bob.asked(say('g', secret), 'sent');
    assert.deepEqual(
      of('fence-lost').map((line) => line['parley.conv_id']),
      ['g'],
    );
  });

  it('has whose pushes are held back', async () => {
    const { log, of } = kept();
    await using nodes = await Nodes.open({ log, connection: { windowBytes: 200 } });
    await nodes.createGroup('ada', 'g', ['bob']);
    const bob = await nodes.signIn('bob');
    const ada = await nodes.signIn('ada');
    for (let no = 0; no < 5; no += 1) await ada.asked(say('g', secret.repeat(5)), 'sent');
    await bob.until(({ event }) => event.case === 'entry');
    const slow = of('slow-consumer').filter((line) => line['user.id'] === 'bob');
    assert.equal(slow.length, 1);
    assert.equal(slow[0]?.['parley.reason'], 'over_window');
    assert.ok(!JSON.stringify(slow).includes(secret));
  });

  it('has who was closed since he read nothing', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const { log, of } = kept();
    await using nodes = await Nodes.open({ log, connection: { slowConsumerMs: 30_000 } });
    const ada = await nodes.signIn('ada');
    ada.pause();
    nodes.clock.advance(31_000);
    t.mock.timers.tick(1_000);
    await ada.end();
    const [closed] = of('slow-consumer-closed');
    assert.deepEqual([closed?.['user.id'], closed?.['parley.transport']], ['ada', 'test']);
  });
});
