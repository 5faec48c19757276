import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import type { ConvId, UserId } from '../core/ids.ts';
import { rendezvous } from '../core/rendezvous.ts';
import { owned, Ties } from './testing/ties.ts';

describe('sessions and message nodes', () => {
  it('are registered once all nodes know them', async () => {
    const ties = new Ties();
    const [one, two] = [ties.link('m1'), ties.link('m2')];
    const session = ties.session();
    let registered = false;
    ties.owners.register(session);
    const known = session.whenRegistered().then(() => {
      registered = true;
    });
    one.say({ t: 'registered', session: session.no });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(registered, false);
    two.say({ t: 'registered', session: session.no });
    await known;
  });

  it('do not wait for a node that is lost', async () => {
    const ties = new Ties();
    const [one, two] = [ties.link('m1'), ties.link('m2')];
    const session = ties.session();
    ties.owners.register(session);
    one.say({ t: 'registered', session: session.no });
    two.cut();
    await session.whenRegistered();
  });

  it('are refused where no node is linked', () => {
    const ties = new Ties();
    assert.throws(() => ties.owners.register(ties.session()), /no message node is linked/);
  });

  it('are told to a node that is linked later, with whom they watch', () => {
    const ties = new Ties();
    ties.link('m1');
    ties.session('ada');
    ties.session('bob');
    ties.watched.add('cyd' as UserId);
    const two = ties.link('m2');
    assert.deepEqual(
      two.heard.slice(0, 4).map((frame) => (frame.t === 'sessionUp' ? frame.userId : frame.t)),
      ['snapshot', 'ada', 'bob', 'snapshotEnd'],
    );
    const asked = two.of('watch').length === 1;
    const mine = rendezvous('cyd', [{ nodeId: 'm1' }, { nodeId: 'm2' }])?.nodeId === 'm2';
    assert.equal(asked, mine);
  });

  it('I6: name those whom they watch some at a time', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const ties = new Ties();
      for (let no = 0; no < 25_000; no += 1) ties.watched.add(`user ${no}` as UserId);
      const one = ties.link('m1');
      const named = () => one.of('watch').flatMap(({ users }) => users);
      assert.ok(one.of('watch').every(({ users }) => users.length <= 1_000));
      assert.equal(named().length, 10_000);
      ties.watched.delete('user 24999' as UserId);
      mock.timers.tick(50);
      assert.equal(named().length, 20_000);
      mock.timers.tick(50);
      mock.timers.tick(50);
      assert.deepEqual(new Set(named()), ties.watched);
      assert.equal(named().length, 24_999);
      ties.owners.stop();
    } finally {
      mock.timers.reset();
    }
  });

  it('watch at the next owner those whose owner died before anybody knew', () => {
    const ties = new Ties();
    const [one, two] = [ties.link('m1'), ties.link('m2')];
    ties.owners.see([{ nodeId: 'm1' }, { nodeId: 'm2' }]);
    for (let no = 0; no < 20; no += 1) ties.watched.add(`user ${no}` as UserId);
    two.cut();
    // The directory has it yet: its users are asked of nobody.
    one.heard.length = 0;
    ties.owners.see([{ nodeId: 'm1' }, { nodeId: 'm2' }]);
    assert.equal(one.heard.length, 0);
    ties.owners.see([{ nodeId: 'm1' }]);
    assert.deepEqual(new Set(one.of('watch').flatMap(({ users }) => users)), ties.watched);
  });

  it('hear of those whom they watch by their own node alone', () => {
    const ties = new Ties();
    const both = new Map(['m1', 'm2'].map((name) => [name, ties.link(name)]));
    const own = rendezvous('cyd', [{ nodeId: 'm1' }, { nodeId: 'm2' }])?.nodeId as string;
    for (const [name, link] of both)
      link.say({ t: 'presence', userId: 'cyd' as UserId, online: name === own, lastSeenAtMs: 0 });
    assert.deepEqual(
      ties.news.map((frame) => frame.t === 'presence' && frame.online),
      [true],
    );
  });

  it('stop to watch at every node: another one may have been asked', () => {
    const ties = new Ties();
    const both = [ties.link('m1'), ties.link('m2')];
    ties.owners.links.unwatch(['cyd' as UserId]);
    for (const { heard } of both) assert.deepEqual(heard.at(-1), { t: 'unwatch', users: ['cyd'] });
  });

  it('are told with how long ago they signed in, to a node that is linked later', () => {
    const ties = new Ties();
    ties.link('m1');
    for (const waitMs of [5_000, 700, 0]) {
      ties.owners.register(ties.session());
      ties.clock.nowMs += waitMs;
    }
    const ages = ties.link('m2').of('sessionUp');
    assert.deepEqual(
      ages.map(({ ageMs }) => ageMs),
      [5_700, 700, 1],
    );
  });

  it('end when no node is linked for too long', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const ties = new Ties({ aloneMs: 3_000 });
    ties.link('m1').cut();
    t.mock.timers.tick(2_999);
    ties.link('m1');
    t.mock.timers.tick(3_000);
    assert.equal(ties.abandoned, 0);
    const again = ties.link('m2');
    ties.link('m1').cut();
    again.cut();
    t.mock.timers.tick(3_000);
    assert.equal(ties.abandoned, 1);
  });
});

describe('a message node that says up to when it has told of everything', () => {
  const until = (atMs: number) => ({ incarnation: 5, atMs });

  it('I5: hears that again with the next link’s snapshot, and of no other node’s', () => {
    const ties = new Ties({ aloneMs: 60_000 });
    const one = ties.link('m1');
    assert.equal(one.of('snapshot')[0]?.told, undefined);
    one.say({ t: 'told', until: until(1_000) }, { t: 'told', until: until(2_000) });
    one.cut();
    assert.deepEqual(ties.link('m1').of('snapshot')[0]?.told, until(2_000));
    assert.equal(ties.link('m2').of('snapshot')[0]?.told, undefined);
    ties.owners.stop();
  });

  it('I5: is not believed while something came of which it has yet to say who hears it', () => {
    const ties = new Ties({ aloneMs: 60_000 });
    const one = ties.link('m1');
    ties.session();
    one.say(ties.entry('g' as ConvId, 5), { t: 'told', until: until(1_000) });
    one.cut();
    const again = ties.link('m1');
    assert.equal(again.of('snapshot')[0]?.told, undefined);
    again.say(ties.entry('g' as ConvId, 5), ties.audience('g' as ConvId, 5), {
      t: 'told',
      until: until(2_000),
    });
    again.cut();
    assert.deepEqual(ties.link('m1').of('snapshot')[0]?.told, until(2_000));
    ties.owners.stop();
  });
});

describe('calls', () => {
  it('go to the owner of their conversation, and are refused when it is lost', () => {
    const ties = new Ties();
    const nodes = { m1: ties.link('m1'), m2: ties.link('m2') };
    const refused: string[] = [];
    for (const name of ['m1', 'm2'] as const) {
      const convId = owned(name, name === 'm1' ? 'm2' : 'm1');
      const answer = { done() {}, refused: (fault: { reason: string }) => refused.push(fault.reason) };
      ties.owners.links.call(0, 'ada' as UserId, { t: 'get', convId, seq: 1 }, answer);
      const [command] = nodes[name].of('command');
      assert.ok(command?.op.t === 'get' && command.op.convId === convId);
    }
    nodes.m1.cut();
    assert.deepEqual(refused, ['ownerLost']);
  });

  it('of nobody’s session are made again until the nodes agree on an owner', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const ties = new Ties();
      const one = ties.link('m1');
      const answer = ties.owners.links.ask('ada' as UserId, { t: 'get', convId: 'g' as ConvId, seq: 1 });
      const refuse = (call: number) =>
        one.say({
          t: 'refused',
          call,
          refusal: { reason: 'notOwner', message: '', field: '', retryAfterMs: 50 },
        });
      for (let tries = 1; tries <= 3; tries += 1) {
        assert.equal(one.of('command').length, tries);
        refuse(one.of('command').at(-1)?.call ?? 0);
        await new Promise((resolve) => setImmediate(resolve));
        mock.timers.tick(50);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const result = { t: 'ids', ids: [] } as const;
      one.say({ t: 'reply', call: one.of('command').at(-1)?.call ?? 0, result });
      assert.equal(await answer, result);
    } finally {
      mock.timers.reset();
    }
  });

  it('of acknowledgements are split by owner', () => {
    const ties = new Ties();
    const [one, two] = [ties.link('m1'), ties.link('m2')];
    const userId = 'ada' as UserId;
    const [mine, yours] = [owned('m1', 'm2'), owned('m2', 'm1')];
    ties.owners.links.delivered([
      { convId: mine, userId, seq: 1 },
      { convId: yours, userId, seq: 2 },
    ]);
    assert.deepEqual(one.of('delivered')[0]?.items, [{ convId: mine, userId, seq: 1 }]);
    assert.deepEqual(two.of('delivered')[0]?.items, [{ convId: yours, userId, seq: 2 }]);
  });
});

describe('rooms whose owner is lost', () => {
  it('I5: ask the next owner for what they may have missed, again and again until it tells', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const ties = new Ties();
      const [one, two] = [ties.link('m1'), ties.link('m2')];
      ties.session();
      const convId = owned('m1', 'm2');
      one.say(ties.audience(convId, 7), ties.entry(convId, 7));
      assert.equal(ties.rooms.get(convId)?.last, 7);
      one.cut();
      assert.deepEqual(two.of('audienceUnknown'), [{ t: 'audienceUnknown', audience: 0, convId, seq: 8 }]);
      ties.clock.nowMs += 1_000;
      mock.timers.tick(50);
      assert.equal(two.of('audienceUnknown').length, 2);
      two.say(ties.audience(convId, 8), ties.entry(convId, 8, 2));
      assert.equal(ties.rooms.get(convId)?.last, 8);
      ties.clock.nowMs += 5_000;
      mock.timers.tick(200);
      assert.equal(two.of('audienceUnknown').length, 2, 'it is known now');
    } finally {
      mock.timers.reset();
    }
  });

  it('wait for a node where none is left', () => {
    const ties = new Ties({ aloneMs: 60_000 });
    const one = ties.link('m1');
    ties.session();
    one.say(ties.audience('g' as ConvId, 3));
    one.cut();
    const again = ties.link('m1');
    assert.deepEqual(
      again.of('audienceUnknown').map(({ convId, seq }) => [convId, seq]),
      [['g', 3]],
    );
    ties.owners.stop();
  });
});

describe('a room of which two nodes believe to be the owner', () => {
  const convId = 'g' as ConvId;
  const hearers = (ties: Ties) => [...(ties.rooms.get(convId)?.hearers.keys() ?? [])];

  function twoOwners() {
    const ties = new Ties();
    const nodes = { old: ties.link('m1'), fresh: ties.link('m2') };
    ties.session('ada');
    ties.session('bob');
    nodes.old.say(ties.audience(convId, 5), ties.entry(convId, 5));
    const bob = [{ userId: 'bob' as UserId, firstSeq: 1, lastSeq: 0 }];
    nodes.fresh.say(ties.audience(convId, 6, { users: bob }), ties.entry(convId, 6, 2));
    return { ties, ...nodes };
  }

  it('is heard by whom the one says that has read further', () => {
    const { ties, old } = twoOwners();
    assert.deepEqual(hearers(ties), ['bob']);
    old.say(ties.audience(convId, 5, { whole: false }));
    assert.deepEqual(hearers(ties), ['bob'], 'ada was removed with 6, which the old owner does not know');
    old.say(ties.audience(convId, 9));
    assert.deepEqual(hearers(ties), ['ada']);
  });

  it('stays when the former owner lets go of it', () => {
    const { ties, old } = twoOwners();
    old.say(ties.audience(convId, 6, { users: [] }));
    assert.deepEqual(hearers(ties), ['bob']);
  });

  for (const first of ['the former owner lets go', 'the next one tells of it'])
    it(`I5: goes on when ${first} first, although the next one begins before`, () => {
      const ties = new Ties();
      const [old, fresh] = [ties.link('m1'), ties.link('m2')];
      const session = ties.session('ada');
      old.say(ties.audience(convId, 5), ties.entry(convId, 5), ties.entry(convId, 6));
      // It looks back, for entries that its predecessor could not forward any more.
      const told = () => fresh.say(ties.audience(convId, 2, { knownSeq: 6 }));
      const letGo = () => old.say(ties.audience(convId, 7, { users: [] }));
      for (const act of first === 'the former owner lets go' ? [letGo, told] : [told, letGo]) act();
      fresh.say(ties.entry(convId, 7, 2));
      assert.deepEqual(hearers(ties), ['ada']);
      assert.equal(session.deliveries.get(convId)?.end, 7);
    });

  it('I5: is asked about at the other one again when the one that counted has let go', () => {
    const { ties, old, fresh } = twoOwners();
    const [ada, bob] = ['ada', 'bob'].map((name) => ({ userId: name as UserId, firstSeq: 1, lastSeq: 0 }));
    // It has read as far, for a moment of a wrong view.
    old.say(ties.audience(convId, 7, { users: [ada!] }), ties.entry(convId, 7));
    assert.deepEqual(hearers(ties), ['ada']);
    old.say(ties.audience(convId, 8, { users: [] }));
    fresh.say(ties.entry(convId, 8, 2));
    assert.deepEqual(
      fresh.of('audienceUnknown').map(({ seq }) => seq),
      [8],
    );
    fresh.say(ties.audience(convId, 8, { users: [bob!], knownSeq: 8 }), ties.entry(convId, 8, 2));
    assert.equal(ties.sessions[1]?.deliveries.get(convId)?.end, 8);
    ties.owners.stop();
  });

  it('I5: is asked about from the first entry that it lacks, whoever comes and goes meanwhile', () => {
    const { ties, old, fresh } = twoOwners();
    old.say(ties.audience(convId, 7), ties.audience(convId, 8, { users: [] }));
    const bob = [{ userId: 'bob' as UserId, firstSeq: 1, lastSeq: 0 }];
    fresh.say(ties.entry(convId, 8, 2));
    // It answers late, and says before that who has come.
    fresh.say(ties.audience(convId, 9, { whole: false, users: bob }));
    assert.deepEqual(
      fresh.of('audienceUnknown').map(({ seq }) => seq),
      [8],
    );
    ties.owners.stop();
  });

  it('I5: asks once, and then whoever owns it by now, until somebody tells who hears', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const ties = new Ties();
      const [one, two] = [ties.link('m1'), ties.link('m2')];
      ties.session();
      const moved = owned('m2', 'm1');
      for (const seq of [5, 6, 7]) one.say(ties.entry(moved, seq));
      assert.equal(one.of('audienceUnknown').length, 1, 'not for each entry');
      // Who lets go has not told anything.
      one.say(ties.audience(moved, 8, { users: [] }));
      mock.timers.tick(1_000);
      assert.deepEqual(two.of('audienceUnknown'), [
        { t: 'audienceUnknown', audience: 0, convId: moved, seq: 5 },
      ]);
    } finally {
      mock.timers.reset();
    }
  });

  it('I4: gives nobody what the one before had forwarded behind what the next one knows', () => {
    const ties = new Ties();
    const [fresh, old] = [ties.link('m2'), ties.link('m1')];
    ties.session('ada');
    const bob = ties.session('bob');
    // Bob is out with 6; 4 and 5 are yet to come.
    fresh.say(ties.audience(convId, 4, { knownSeq: 6 }), ties.entry(convId, 7, 2));
    fresh.cut();
    // All that is left is a node that has not heard of that.
    const both = ['ada', 'bob'].map((name) => ({ userId: name as UserId, firstSeq: 1, lastSeq: 0 }));
    old.say(ties.audience(convId, 4, { users: both, knownSeq: 3 }));
    for (const seq of [4, 5, 6]) old.say(ties.entry(convId, seq));
    assert.equal(ties.rooms.get(convId)?.last, 6, 'its own it gives to whom it will');
    assert.equal(bob.deliveries.get(convId)?.lastSeq, 0, 'this is what the test is about');
    assert.deepEqual(ties.rooms.get(convId)?.order.missing, { from: 7, to: 7 });
    ties.owners.stop();
  });

  it('takes the entries of both, in order', () => {
    const { ties, old, fresh } = twoOwners();
    fresh.say(ties.entry(convId, 8, 2));
    assert.equal(ties.rooms.get(convId)?.last, 6);
    old.say(ties.entry(convId, 7, 1));
    assert.equal(ties.rooms.get(convId)?.last, 8);
  });

  it('is asked about anew when its present owner is lost, not when the former one is', () => {
    const { ties, old, fresh } = twoOwners();
    old.cut();
    assert.deepEqual(fresh.of('audienceUnknown'), []);
    const again = ties.link('m1');
    fresh.cut();
    assert.deepEqual(
      again.of('audienceUnknown').map(({ seq }) => seq),
      [7],
    );
  });
});

describe('a store that was restored', () => {
  it('voids all rooms, and links to nodes that have not noticed', () => {
    const ties = new Ties();
    const [one, two] = [ties.link('m1'), ties.link('m2')];
    const garden = owned('m1', 'm2');
    one.say(ties.audience(garden, 1));
    assert.equal(ties.rooms.size, 1);
    one.say({ t: 'reset', epoch: 'another' });
    assert.deepEqual(ties.epochs, ['epoch', 'epoch', 'another']);
    ties.owners.reset('another');
    assert.equal(ties.rooms.size, 0);
    assert.deepEqual([one.isOpen(), two.isOpen()], [true, false]);
    // An audience of before is nobody's: its number is asked for.
    one.say(ties.entry(garden, 2));
    assert.equal(one.of('audienceUnknown').length, 1);
    const again = ties.link('m2', 'another');
    assert.equal(ties.epochs.at(-1), 'another');
    ties.owners.reset('another');
    assert.deepEqual([one.isOpen(), again.isOpen()], [true, true]);
  });
});
