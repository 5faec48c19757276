import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { held } from '../helpers/faulty-store.ts';
import { Nodes, say, sayTo } from '../helpers/nodes.ts';
import type { TestSession } from '../helpers/test-session.ts';

async function reasons(session: TestSession, ids: readonly number[]): Promise<string[]> {
  const events = await Promise.all(ids.map((id) => session.answer(id)));
  return events.map(({ event }) => (event.case === 'error' ? event.value.reason : String(event.case)));
}

const many = <T>(count: number, one: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => one(at));

describe('I6: nothing is unbounded', () => {
  it('I6: commands that wait for a commit: beyond it, a refusal with a retry; then all go in, in order', async () => {
    await using nodes = await Nodes.open({ message: { laneQueueBytes: 2_000 } });
    const ada = await nodes.signIn('ada');
    const gate = held();
    nodes.store.script.push(gate.fault);
    const first = ada.asked(sayTo('eve', 'held'), 'sent');
    while (nodes.store.count('commit') === 0) await new Promise((resolve) => setImmediate(resolve));
    const sends = many(12, (at) => sayTo('bob', `${at}`, `${at}`));
    const ids = ada.send(...sends);
    const last = await ada.answer(ids.at(-1) as number);
    assert.ok(last.event.case === 'error');
    assert.deepEqual([last.event.value.reason, last.event.value.retry], ['overloaded', Retry.HERE]);
    assert.ok(last.event.value.retryAfterMs > 0);
    gate.release();
    await first;
    const outcomes = await reasons(ada, ids);
    assert.ok(outcomes.includes('overloaded'));
    let open = sends.filter((_, at) => outcomes[at] !== 'sent');
    while (open.length > 0) {
      const again = await reasons(ada, ada.send(...open.slice(0, 5)));
      open = open.filter((_, at) => again[at] !== 'sent');
    }
    const page = await ada.asked(
      { case: 'list', value: { convId: ada.of('sent')[1]?.convId ?? '' } },
      'entries',
    );
    assert.deepEqual(
      page.entries.map(({ content }) => content.case === 'message' && content.value.content.value),
      many(12, String),
    );
  });

  it('I6: commands of one session that wait for their answer', async () => {
    await using nodes = await Nodes.open({ connection: { maxInFlight: 16 } });
    const ada = await nodes.signIn('ada');
    const gate = held();
    nodes.store.script.push(gate.fault);
    const ids = ada.send(...many(20, (at) => sayTo(`user ${at}`, 'x')));
    const refused = await reasons(ada, ids.slice(16));
    assert.deepEqual(
      refused,
      many(4, () => 'overloaded'),
    );
    gate.release();
    assert.deepEqual(
      await reasons(ada, ids.slice(0, 16)),
      many(16, () => 'sent'),
    );
  });

  it('I6: refused sends that are left lying: the session can’t be promised its order any more', async () => {
    await using nodes = await Nodes.open({ connection: { maxInFlight: 16 } });
    const ada = await nodes.signIn('ada');
    nodes.store.script.push({ t: 'unavailable' });
    await ada.ask(sayTo('bob', 'refused'));
    for (let at = 0; at < 17; at += 1) ada.send(sayTo('bob', `behind ${at}`));
    assert.equal((await ada.end()).reason, 'overloaded');
    assert.equal(ada.closed?.code, 4529, 'come back, and send them again in your order');
  });

  it('I6: the rate of a user: what is too much is refused with a time to wait; then it goes on', async () => {
    await using nodes = await Nodes.open({ connection: { commandRate: 10, commandBurst: 100 } });
    const ada = await nodes.signIn('ada');
    const pings = many(120, () => ({ case: 'ping', value: {} }) as const);
    const outcomes = await reasons(ada, ada.send(...pings));
    const passed = outcomes.filter((one) => one === 'pong').length;
    assert.ok(passed > 0 && passed <= 100, `${passed}`);
    assert.deepEqual(
      outcomes.slice(passed),
      many(120 - passed, () => 'rateLimited'),
    );
    const [refused] = ada.of('error');
    assert.ok(refused !== undefined && refused.retryAfterMs > 0 && refused.retry === Retry.HERE);
    // Neither typing, nor acknowledgements of what was never pushed, nor another session are a way around it.
    const phone = await nodes.signIn('ada', { deviceId: 'phone' });
    const items = [{ convId: 'g', seq: 1n }];
    const others = [
      ...ada.send({ case: 'typing', value: { convId: 'g', active: true } }),
      ...ada.send({ case: 'ack', value: { items } }),
    ];
    assert.deepEqual(await reasons(ada, others), ['rateLimited', 'rateLimited']);
    assert.deepEqual(await reasons(phone, phone.send(say('g', 'x'))), ['rateLimited']);
    nodes.clock.advance(20_000);
    assert.deepEqual(await reasons(ada, ada.send(say('g', 'x'))), ['conversationNotFound']);
  });

  it('I6: pages that one session waits for, and syncs', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', []);
    const ada = await nodes.signIn('ada');
    const lists = ada.send(...many(70, () => ({ case: 'list', value: { convId: 'g' } }) as const));
    assert.deepEqual(await reasons(ada, lists), [
      ...many(64, () => 'entries'),
      ...many(6, () => 'overloaded'),
    ]);
    const syncs = ada.send(...many(2, () => ({ case: 'sync', value: {} }) as const));
    assert.deepEqual(await reasons(ada, syncs), ['changes', 'overloaded']);
    assert.deepEqual(await reasons(ada, ada.send({ case: 'sync', value: {} })), ['changes']);
    assert.deepEqual(await reasons(ada, ada.send({ case: 'list', value: { convId: 'g' } })), ['entries']);
  });

  const tooMuch: [string, Parameters<TestSession['refusal']>[0], string][] = [
    ['entries of a page', { case: 'list', value: { convId: 'g', limit: 201 } }, 'pageTooLarge'],
    ['newest entries of a sync', { case: 'sync', value: { entries: 51 } }, 'invalidField'],
    [
      'conversations that a sync names',
      { case: 'sync', value: { known: many(5_001, () => ({ convId: 'g' })) } },
      'invalidField',
    ],
    ['users that are watched', { case: 'watch', value: { userIds: many(501, String) } }, 'invalidField'],
    [
      'items of an acknowledgement',
      { case: 'ack', value: { items: many(257, () => ({ convId: 'g', seq: 1n })) } },
      'invalidField',
    ],
    ['characters of an id', sayTo('b'.repeat(65), 'x'), 'invalidId'],
    ['characters of a client id', sayTo('bob', 'x', 'c'.repeat(65)), 'invalidId'],
    ['characters of a text', sayTo('bob', 'x'.repeat(20_001)), 'contentTooLarge'],
    ['numbers', { case: 'read', value: { convId: 'g', seq: 1n << 53n } }, 'seqOutOfRange'],
  ];
  it('I6: what a command may name', async (t) => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    for (const [name, command, reason] of tooMuch) {
      await t.test(name, async () => {
        const refusal = await ada.refusal(command);
        assert.deepEqual([refusal.reason, refusal.retry], [reason, Retry.NEVER]);
      });
    }
    assert.equal(ada.closed, undefined, 'that costs a command, not the session');
  });

  it('I6: frames, and commands in them: that costs the session', async () => {
    await using nodes = await Nodes.open();
    const cases: [string, (session: TestSession) => void, string][] = [
      [
        'ada',
        (session) => void session.send(...many(257, () => ({ case: 'ping', value: {} }) as const)),
        'tooManyCommands',
      ],
      ['bob', (session) => session.raw(new Uint8Array(256 * 1024 + 1)), 'frameTooLarge'],
      ['cyd', (session) => session.raw(Uint8Array.from([0x0a, 0xff])), 'malformedFrame'],
    ];
    for (const [user, act, reason] of cases) {
      const session = await nodes.signIn(user);
      act(session);
      assert.deepEqual(await session.end(), { code: reason === 'malformedFrame' ? 4400 : 4413, reason });
      assert.ok(session.told().includes('error') && session.told().includes('kicked'));
    }
  });

  it('I6: commands before welcome, and their bytes', async () => {
    await using nodes = await Nodes.open();
    const hello = { case: 'hello', value: { protocolVersion: 1, deviceId: 'd', userId: 'ada' } } as const;
    const eager = nodes.connect();
    eager.send(hello);
    for (let frame = 0; frame < 2; frame += 1)
      eager.send(...many(200, () => ({ case: 'ping', value: {} }) as const));
    assert.equal((await eager.end()).reason, 'tooManyCommands');
    const heavy = nodes.connect();
    heavy.send(hello);
    for (let frame = 0; frame < 12; frame += 1)
      heavy.send(
        sayTo('bob', 'x'.repeat(19_000)),
        sayTo('bob', 'y'.repeat(19_000)),
        sayTo('bob', 'z'.repeat(19_000)),
      );
    assert.equal((await heavy.end()).reason, 'tooManyCommands');
  });

  it('I6: sessions of a node and of a user; a device that comes again takes its own place', async () => {
    await using nodes = await Nodes.open({ connection: { maxSessions: 4, maxSessionsPerUser: 2 } });
    await nodes.signIn('ada', { deviceId: 'one' });
    const second = await nodes.signIn('ada', { deviceId: 'two' });
    const third = nodes.connect();
    third.send({ case: 'hello', value: { protocolVersion: 1, deviceId: 'three', userId: 'ada' } });
    assert.equal((await third.end()).reason, 'tooManyConnections');
    await nodes.signIn('ada', { deviceId: 'two' });
    assert.equal((await second.end()).reason, 'superseded');
    await nodes.signIn('bob');
    await nodes.signIn('cyd');
    const full = nodes.connect();
    assert.equal((await full.end()).reason, 'tooManyConnections');
  });

  it('I6: sends in one call', async () => {
    await using nodes = await Nodes.open();
    const one = {
      target: { case: 'to', value: 'bob' },
      clientId: 'x',
      body: { content: { case: 'text', value: 'x' } },
    } as const;
    const { sendBatch } = MessageService.method;
    await assert.rejects(nodes.call(sendBatch, { sends: many(257, () => one) }, 'ada'), {
      reason: 'invalidField',
    });
    await assert.rejects(nodes.call(sendBatch, { sends: [] }, 'ada'), { reason: 'invalidField' });
    const { results } = await nodes.call(sendBatch, { sends: [one, { ...one, clientId: '' }] }, 'ada');
    assert.deepEqual(
      results.map(({ result }) => result.case),
      ['sent', 'error'],
    );
  });

  it('I6: members of a group', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', ['bob'], { maxMembers: 3 });
    const joins = await Promise.allSettled(
      ['cyd', 'dan', 'eve'].map((user) => nodes.add('ada', 'g', [user])),
    );
    const outcomes = joins.map((one) =>
      one.status === 'fulfilled' ? 'in' : (one.reason as { reason: string }).reason,
    );
    assert.deepEqual(outcomes.sort(), ['groupFull', 'groupFull', 'in']);
  });
});
