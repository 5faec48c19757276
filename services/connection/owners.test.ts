import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import { rendezvous } from '../core/rendezvous.ts';
import { TokenBucket } from '../core/token-bucket.ts';
import type { AudienceFrame, EdgeFrame, OwnerFrame } from '../peer/edge-frames.ts';
import { Owners } from './owners.ts';
import { Rooms } from './rooms.ts';
import { Session } from './session.ts';
import { logEntry, StandingClock } from './testing/stage.ts';

/** A connection node's ties to message nodes that the test plays. */
class Ties {
  readonly clock = new StandingClock();
  readonly sessions: Session[] = [];
  readonly watched = new Set<UserId>();
  abandoned = 0;
  readonly epochs: string[] = [];
  readonly rooms: Rooms;
  readonly owners: Owners;

  constructor({ aloneMs = 0 } = {}) {
    this.rooms = new Rooms({
      clock: this.clock,
      sessionsOf: (userId) => this.sessions.filter((session) => session.userId === userId),
      pull: (convId, fromSeq, toSeq) => this.owners.pull(convId, fromSeq, toSeq),
      dirty: () => {},
      recheck: () => {},
    });
    this.owners = new Owners({
      clock: this.clock,
      timeoutMs: 1_000,
      aloneMs,
      rooms: () => this.rooms,
      signedIn: () => this.sessions,
      watched: () => this.watched,
      sessionAcks: () => [],
      news: () => {},
      epoch: (epoch) => void this.epochs.push(epoch),
      abandoned: () => {
        this.abandoned += 1;
      },
      failed: (error) => assert.fail(String(error)),
    });
  }

  session(userId = 'ada'): Session {
    const no = this.sessions.length + 1;
    const session = new Session({
      no,
      outlet: { deliver() {}, close() {} },
      doorSession: no,
      info: { remoteAddress: '', transport: 'test' },
      nowMs: 0,
      rate: new TokenBucket(1, 1, 0),
    });
    session.userId = userId as UserId;
    session.deviceId = `device ${no}`;
    session.state = 'open';
    this.sessions.push(session);
    return session;
  }

  link(nodeId: string, epoch = 'epoch') {
    const heard: EdgeFrame[] = [];
    let open = true;
    const events = this.owners.connect(
      nodeId,
      {
        send: (frame) => {
          heard.push(frame);
          return 'queued';
        },
        close: () => {
          open = false;
          events.down('closed');
        },
      },
      epoch,
    );
    return {
      heard,
      isOpen: () => open,
      say: (...frames: OwnerFrame[]) => events.frames(frames),
      cut: () => events.down('cut'),
      of: <T extends EdgeFrame['t']>(t: T) =>
        heard.filter((frame): frame is Extract<EdgeFrame, { t: T }> => frame.t === t),
    };
  }

  audience(convId: ConvId, nextSeq: Seq, fields: Partial<AudienceFrame> = {}): AudienceFrame {
    const users = [{ userId: 'ada' as UserId, firstSeq: 1, lastSeq: 0 }];
    const knownSeq = nextSeq - 1;
    return { t: 'audience', audience: 1, convId, nextSeq, whole: true, users, gone: [], knownSeq, ...fields };
  }

  entry(convId: ConvId, seq: Seq, incarnation = 1): OwnerFrame {
    return { t: 'entry', audience: 1, incarnation, entry: logEntry(seq, convId) };
  }
}

/** A conversation that the node owns among these. */
function owned(nodeId: string, ...others: string[]): ConvId {
  const nodes = [nodeId, ...others].map((name) => ({ nodeId: name }));
  for (let no = 0; ; no += 1) if (rendezvous(`g${no}`, nodes)?.nodeId === nodeId) return `g${no}` as ConvId;
}

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

describe('an owner that is asked who hears', () => {
  const convId = 'g' as ConvId;
  const entry = (ties: Ties, seq: Seq): OwnerFrame =>
    ({ ...ties.entry(convId, seq), audience: 9 }) as OwnerFrame;

  it('I5: is asked again from the first entry that is not known here, whatever changes it tells of meanwhile', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const ties = new Ties();
      const one = ties.link('m1');
      ties.session();
      one.say(entry(ties, 4));
      // Its store does not answer, and it goes on all the same.
      one.say(
        entry(ties, 3),
        entry(ties, 5),
        ties.audience(convId, 6, { audience: 9, whole: false, gone: [] }),
      );
      const asked = () => one.of('audienceUnknown').map(({ audience, seq }) => [audience, seq]);
      assert.deepEqual(asked(), [[9, 4]]);
      mock.timers.tick(1_000);
      assert.deepEqual(asked().at(-1), [0, 3]);
      // What begins behind it is no answer, either.
      one.say(ties.audience(convId, 6, { audience: 9 }));
      mock.timers.tick(1_000);
      assert.deepEqual(asked().at(-1), [0, 3]);
      one.say(ties.audience(convId, 3, { audience: 9 }));
      mock.timers.tick(5_000);
      assert.equal(asked().length, 3, 'it is answered');
    } finally {
      mock.timers.reset();
    }
  });
});

describe('an owner that is asked who hears, and names the audience again', () => {
  const convId = 'g' as ConvId;
  const audience = 9;
  const asking = () => {
    const ties = new Ties();
    const one = ties.link('m1');
    ties.session();
    const entry = (seq: Seq) => one.say({ ...ties.entry(convId, seq), audience } as OwnerFrame);
    const asked = () => one.of('audienceUnknown').map((frame) => [frame.audience, frame.seq]);
    return { ties, one, entry, asked };
  };

  it('I5: is asked for as long as it does not answer, ever less often', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const { ties, one, entry, asked } = asking();
      entry(4);
      for (let second = 0; second < 2; second += 1) mock.timers.tick(1_000);
      assert.equal(asked().length, 3);
      entry(5);
      for (let second = 0; second < 60; second += 1) mock.timers.tick(1_000);
      const tries = asked().length;
      assert.ok(tries > 8 && tries < 16, `asked ${tries} times`);
      assert.deepEqual(asked().at(-1), [0, 4]);
      one.say(ties.audience(convId, 4, { audience }));
      for (let second = 0; second < 60; second += 1) mock.timers.tick(1_000);
      assert.equal(asked().length, tries, 'it has answered');
    } finally {
      mock.timers.reset();
    }
  });

  it('is not asked for ever when it has said that nobody hears, and stays the owner', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const { ties, one, entry, asked } = asking();
      entry(4);
      one.say(ties.audience(convId, 5, { audience, users: [] }));
      for (let second = 0; second < 60; second += 1) mock.timers.tick(1_000);
      assert.deepEqual(asked(), [
        [audience, 4],
        [0, 4],
        [0, 4],
      ]);
    } finally {
      mock.timers.reset();
    }
  });

  for (const [what, answer] of [
    ['tells who hears', { users: [{ userId: 'ada' as UserId, firstSeq: 1, lastSeq: 0 }] }],
    ['says that nobody does', { users: [] }],
  ] as readonly (readonly [string, Partial<AudienceFrame>])[])
    it(`I5: is followed by the next one, which is asked until it ${what}, also of what it has let go of`, () => {
      mock.timers.enable({ apis: ['setTimeout'] });
      try {
        const ties = new Ties();
        const [one, two] = [ties.link('m1'), ties.link('m2')];
        ties.session();
        const moved = owned('m2', 'm1');
        one.say({ ...ties.entry(moved, 4), audience } as OwnerFrame);
        one.say(ties.audience(moved, 5, { audience, users: [] }));
        const asked = () => two.of('audienceUnknown').map(({ seq }) => seq);
        // Its store does not answer for long.
        for (let second = 0; second < 30; second += 1) mock.timers.tick(1_000);
        const tries = asked().length;
        assert.ok(tries > 5, `asked ${tries} times`);
        // What begins behind the entry is no answer.
        two.say(ties.audience(moved, 6));
        for (let second = 0; second < 10; second += 1) mock.timers.tick(1_000);
        assert.ok(asked().length > tries);
        two.say(ties.audience(moved, 4, answer));
        const answered = asked().length;
        for (let second = 0; second < 60; second += 1) mock.timers.tick(1_000);
        assert.equal(asked().length, answered);
      } finally {
        mock.timers.reset();
      }
    });

  for (const [what, forget] of [
    ['when it is lost', ({ one }) => one.cut()],
    ['of another epoch', ({ ties }) => ties.owners.reset('another')],
  ] as readonly (readonly [string, (scene: ReturnType<typeof asking>) => void])[])
    it(`I5: is not asked again ${what}: its places are those of another log`, () => {
      mock.timers.enable({ apis: ['setTimeout'] });
      try {
        const scene = asking();
        const other = scene.ties.link('m2', 'another');
        scene.entry(4);
        forget(scene);
        mock.timers.tick(1_000);
        assert.deepEqual([...scene.asked(), ...other.of('audienceUnknown')], [[audience, 4]]);
      } finally {
        mock.timers.reset();
      }
    });

  it('I5: is asked anew, and at once, when it has let go meanwhile', () => {
    const { ties, one, entry, asked } = asking();
    entry(4);
    one.say(ties.audience(convId, 5, { audience, users: [] }));
    entry(8);
    assert.deepEqual(asked(), [
      [audience, 4],
      [audience, 4],
    ]);
    ties.owners.stop();
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
