import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { held } from '../helpers/faulty-store.ts';
import { Nodes, say, sayTo } from '../helpers/nodes.ts';

const hello = (userId: string, deviceId = 'd') =>
  ({ case: 'hello', value: { protocolVersion: 1, deviceId, userId } }) as const;

describe('a session', () => {
  it('hears welcome first, then what was pushed since it was registered', async () => {
    await using nodes = await Nodes.open({ connection: { lobby: true } });
    await nodes.createGroup('ada', 'g', ['bob']);
    const ada = await nodes.signIn('ada');
    for (let round = 0; round < 15; round += 1) {
      const ids = ada.send(say('g', 'a'), say('g', 'b'), say('g', 'c'));
      const bob = nodes.connect();
      bob.send(hello('bob', `${round}`));
      for (const id of ids) await ada.answer(id);
      await bob.until(({ event }) => event.case === 'welcome');
      assert.equal(bob.told()[0], 'welcome');
      bob.hangUp();
    }
  });

  it('I5: is welcomed, and has its commands carried out, only once message nodes have registered it', async () => {
    await using nodes = await Nodes.open();
    const { door, asked, say: saySo } = nodes.bareEdge();
    const session = door.open();
    session.send(hello('ada'), { case: 'sync', value: {} });
    while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const [up] = asked;
    assert.ok(up?.t === 'sessionUp' && up.userId === 'ada');
    assert.deepEqual([asked.length, session.told()], [1, []]);
    saySo({ t: 'registered', session: up.session });
    await session.until(({ event }) => event.case === 'welcome');
    assert.ok(asked[1]?.t === 'command' && asked[1].op.t === 'sync');
  });

  it('has its commands from before welcome carried out after it, in order', async () => {
    await using nodes = await Nodes.open();
    const ada = nodes.connect();
    const ids = ada.send(hello('ada'), sayTo('bob', 'one'), sayTo('bob', 'two'), { case: 'ping', value: {} });
    const seqs = [];
    for (const id of ids.slice(1, 3)) {
      const { event } = await ada.answer(id);
      seqs.push(event.case === 'sent' ? event.value.seq : event.case);
    }
    assert.deepEqual(seqs, [1n, 2n]);
    assert.equal(ada.told()[0], 'welcome');
  });

  const refused: [string, Parameters<typeof hello> | undefined, object, string, number][] = [
    ['without hello', undefined, {}, 'helloExpected', 4401],
    ['of another protocol', ['ada'], { protocolVersion: 2 }, 'unsupportedProtocol', 4406],
    ['without a device', ['ada', ''], {}, 'invalidId', 4400],
    ['of nobody', [''], {}, 'tokenMissing', 4401],
    ['with a token that is none', ['ada'], { token: 'x' }, 'tokenInvalid', 4401],
  ];
  for (const [name, args, fields, reason, code] of refused) {
    it(`${name} is refused, told why, and closed`, async () => {
      await using nodes = await Nodes.open();
      const session = nodes.connect();
      if (args === undefined) session.send(sayTo('bob', 'x'));
      else session.send({ case: 'hello', value: { ...hello(...args).value, ...fields } });
      assert.deepEqual(await session.end(), { code, reason });
      assert.deepEqual(session.told(), ['error', 'kicked']);
    });
  }

  it('that says hello again is told so, and goes on', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    assert.equal((await ada.refusal(hello('bob'))).reason, 'alreadySignedIn');
    await ada.asked(sayTo('bob', 'x'), 'sent');
  });

  it('that goes away while it signs in leaves nothing behind', async () => {
    await using nodes = await Nodes.open({ connection: { lobby: true } });
    for (let turns = 0; turns < 12; turns += 1) {
      const session = nodes.connect();
      session.send(hello('ada', `${turns}`));
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      session.hangUp();
    }
    const bob = await nodes.signIn('bob');
    await bob.asked({ case: 'watch', value: { userIds: ['ada'] } }, 'pong');
    const { event } = await bob.until((one) => one.event.case === 'presence');
    assert.ok(event.case === 'presence' && !event.value.online, 'ada is not there');
    const [edge] = nodes.edges;
    assert.equal(edge?.node.meters.active.get('test'), 1);
  });

  it('of the same device takes the place of the older one, on whatever edge that is', async () => {
    await using nodes = await Nodes.open({ edges: 2 });
    const older = await nodes.signIn('ada', { deviceId: 'phone' });
    const other = await nodes.signIn('ada', { deviceId: 'tab' });
    // Links may be so slow that it isn't sure which one came first.
    nodes.clock.advance(6_000);
    const newer = await nodes.signIn('ada', { deviceId: 'phone', edge: 1 });
    assert.deepEqual(await older.end(), { code: 4410, reason: 'superseded' });
    const [kicked] = older.of('kicked');
    assert.equal(kicked?.reconnect, false);
    await newer.asked(sayTo('bob', 'x'), 'sent');
    assert.equal(other.closed, undefined);
  });

  it('ends with its token, unless it brings another one of the same user', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    await using nodes = await Nodes.open({ mode: 'production' });
    const tokenOf = async (user: string, seconds: number) =>
      (await nodes.tokens.issueUser(user, seconds)).token;
    const [lazy, busy] = [
      await nodes.signIn('ada', { token: await tokenOf('ada', 60), deviceId: 'lazy' }),
      await nodes.signIn('ada', { token: await tokenOf('ada', 60), deviceId: 'busy' }),
    ];
    nodes.clock.advance(50_000);
    assert.equal(
      (await busy.refusal({ case: 'auth', value: { token: await tokenOf('bob', 600) } })).reason,
      'tokenInvalid',
    );
    assert.equal((await busy.refusal({ case: 'auth', value: { token: '' } })).code, 16);
    await busy.asked({ case: 'auth', value: { token: await tokenOf('ada', 600) } }, 'pong');
    nodes.clock.advance(11_000);
    t.mock.timers.tick(1_000);
    assert.deepEqual(await lazy.end(), { code: 4401, reason: 'tokenExpired' });
    await busy.asked({ case: 'ping', value: {} }, 'pong');
  });

  it('that is silent is closed, one that pings is not', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    await using nodes = await Nodes.open();
    const [silent, lively] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    nodes.clock.advance(80_000);
    lively.tell({ case: 'ping', value: {} });
    nodes.clock.advance(11_000);
    t.mock.timers.tick(1_000);
    assert.equal((await silent.end()).reason, 'silent');
    assert.equal(lively.closed, undefined);
  });

  it('that says no hello is closed', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    await using nodes = await Nodes.open();
    const session = nodes.connect();
    nodes.clock.advance(10_001);
    t.mock.timers.tick(1_000);
    assert.deepEqual(await session.end(), { code: 4508, reason: 'helloTimeout' });
  });
});

describe('a node that drains', () => {
  it('tells its sessions, takes no new ones, answers what is under way, and closes those that stay', async () => {
    await using nodes = await Nodes.open();
    const [stays, goes] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    const gate = held();
    nodes.store.script.push(gate.fault);
    const [id] = stays.send(sayTo('bob', 'under way'));
    while (nodes.store.count('commit') === 0) await new Promise((resolve) => setImmediate(resolve));
    const drained = nodes.edges[0]?.node.drain(300);
    for (const session of [stays, goes]) {
      const { event } = await session.until((one) => one.event.case === 'draining');
      assert.ok(event.case === 'draining' && event.value.delayMs <= 150);
    }
    assert.equal((await nodes.connect().end()).reason, 'nodeDraining');
    goes.hangUp();
    gate.release();
    const { event } = await stays.answer(id as number);
    assert.equal(event.case, 'sent');
    await drained;
    assert.deepEqual(await stays.end(), { code: 4503, reason: 'nodeDraining' });
  });

  it('waits for a store that does not answer no longer than it may, as a message node', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    const gate = held();
    nodes.store.script.push(gate.fault);
    const [id] = ada.send(sayTo('bob', 'under way'));
    while (nodes.store.count('commit') === 0) await new Promise((resolve) => setImmediate(resolve));
    await nodes.message.drain(50);
    gate.release();
    assert.equal((await ada.answer(id as number)).event.case, 'sent');
  });

  it('is done as soon as all sessions have gone', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    const drained = nodes.edges[0]?.node.drain(60_000);
    await ada.until(({ event }) => event.case === 'draining');
    ada.hangUp();
    await drained;
  });
});

describe('presence', () => {
  it('comes to those who watch, at once and when it changes, over all edges', async () => {
    await using nodes = await Nodes.open({ edges: 2 });
    const watcher = await nodes.signIn('ada');
    const second = await nodes.signIn('cyd');
    for (const session of [watcher, second])
      await session.asked({ case: 'watch', value: { userIds: ['bob'] } }, 'pong');
    const online = (session: typeof watcher) => session.of('presence').map((state) => state.online);
    for (const session of [watcher, second]) await session.when(() => online(session).length === 1);
    const bob = await nodes.signIn('bob', { edge: 1 });
    const phone = await nodes.signIn('bob', { deviceId: 'phone' });
    bob.hangUp();
    phone.hangUp();
    for (const session of [watcher, second]) {
      await session.when(() => online(session).length === 3);
      assert.deepEqual(online(session), [false, true, false]);
      assert.ok((session.of('presence').at(-1)?.lastSeenAtMs ?? 0n) > 0n);
    }
    await watcher.asked({ case: 'watch', value: { userIds: [] } }, 'pong');
    await nodes.signIn('bob');
    await second.when(() => online(second).length === 4);
    await watcher.barrier();
    assert.equal(online(watcher).length, 3);
  });
});

describe('typing', () => {
  it('is told to the other members, of groups up to a hundred', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'small', ['bob']);
    await nodes.createGroup('ada', 'large', ['bob', ...Array.from({ length: 99 }, (_, at) => `user ${at}`)]);
    const [ada, phone, bob, eve] = [
      await nodes.signIn('ada'),
      await nodes.signIn('ada', { deviceId: 'phone' }),
      await nodes.signIn('bob'),
      await nodes.signIn('eve'),
    ];
    for (const convId of ['small', 'large']) {
      await ada.asked({ case: 'typing', value: { convId, active: true } }, 'pong');
      await eve.asked({ case: 'typing', value: { convId, active: true } }, 'pong');
    }
    for (const session of [ada, phone, bob, eve]) await session.barrier();
    const typing = (session: typeof ada) =>
      session.of('typing').map(({ convId, userId, active }) => `${userId} ${convId} ${active}`);
    assert.deepEqual(
      [typing(ada), typing(phone), typing(bob), typing(eve)],
      [[], [], ['ada small true'], []],
    );
  });
});
