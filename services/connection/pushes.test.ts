import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { UserId } from '../core/ids.ts';
import type { Session } from './session.ts';
import { conv, Stage } from './testing/stage.ts';

describe('entries', () => {
  it('go to each session of those who hear of them, within their range', () => {
    const stage = new Stage();
    const [ada, phone, bob] = [stage.open('ada'), stage.open('ada'), stage.open('bob')];
    stage.nextSeq = 5;
    stage.audience({ ada: [1, 0], bob: [6, 7] });
    stage.entries(5, 6, 7, 8);
    stage.flush();
    for (const session of [ada, phone]) assert.deepEqual(stage.told(session), [5, 6, 7, 8]);
    assert.deepEqual(stage.told(bob), [6, 7]);
    assert.equal(stage.meters.deliveries, 10);
  });

  it('I5: that were held are told to a session that its owner takes for one that has ended', () => {
    const stage = new Stage();
    const bob = stage.open('bob');
    stage.audience({ bob: [1, 0] });
    stage.entries(1);
    // The second one is missing, so these are held; then the owner hears that bob’s former session has ended, and of this one.
    stage.entries(3, 4);
    stage.audience({}, { gone: ['bob' as UserId] });
    stage.audience({ bob: [1, 0] });
    stage.entries(5);
    stage.flush();
    assert.deepEqual(stage.told(bob), [1, '2-2', 3, 4, 5]);
  });

  it('are encoded into one buffer for all who are up to date', () => {
    const stage = new Stage();
    for (const user of ['ada', 'bob', 'cyd']) stage.open(user);
    stage.audience({ ada: [1, 0], bob: [1, 0], cyd: [1, 0] });
    stage.entries(1, 2);
    const buffers = new Set<Uint8Array>();
    stage.pushes.rooms.flush(
      (delivery, encoded, to) => {
        buffers.add(encoded);
        delivery.sentSeq = to;
        return true;
      },
      () => {},
    );
    assert.equal(buffers.size, 1);
  });

  it('that wait are not for a session that is registered meanwhile: they were committed before it', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.nextSeq = 5;
    stage.audience({ ada: [1, 0] });
    stage.entries(5);
    const phone = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(6);
    stage.flush();
    assert.deepEqual(stage.told(ada), [5, 6]);
    assert.deepEqual(stage.told(phone), [6]);
  });

  it('I7: are not for a session that still signs in, until the owner names its user once more', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    const phone = stage.open('ada');
    phone.state = 'signingIn';
    stage.audience({ ada: [1, 0] });
    stage.entries(1);
    stage.flush();
    assert.deepEqual([stage.told(ada), stage.told(phone), phone.deliveries.size], [[1], [], 0]);
    phone.state = 'registering';
    stage.audience({ ada: [1, 0] });
    stage.entries(2);
    stage.flush();
    assert.deepEqual([stage.told(ada), stage.told(phone)], [[1, 2], [2]]);
  });

  it('that came before are not owed by a session of a room that has only now begun', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.nextSeq = 90;
    stage.audience({ ada: [3, 0] });
    ada.pausedAtMs = 1;
    stage.entries(90);
    stage.flush();
    ada.pausedAtMs = 0;
    stage.pushes.catchUp(ada);
    assert.deepEqual(stage.told(ada), ['90-90'], 'the exact range, not all since joining');
  });

  it('of a new member begin with the joining; those of a removed one end with the removal', () => {
    const stage = new Stage();
    const [ada, bob] = [stage.open('ada'), stage.open('bob')];
    stage.audience({ ada: [1, 0] });
    stage.entries(1);
    stage.audience({ bob: [2, 0] });
    stage.entries(2, 3);
    stage.flush();
    stage.audience({ bob: [2, 4] });
    stage.entries(4, 5);
    stage.flush();
    assert.deepEqual(stage.told(ada), [1, 2, 3, 4, 5]);
    assert.deepEqual(stage.told(bob), [2, 3, 4]);
    assert.equal(stage.pushes.acknowledge(bob, conv, 4), true);
    assert.equal(bob.deliveries.size, 0, 'nobody waits for him any more');
  });

  it('reach one who is removed and added again in one go from the new joining on', () => {
    const stage = new Stage();
    const bob = stage.open('bob');
    stage.audience({ bob: [1, 0] });
    stage.entries(1);
    stage.flush();
    stage.audience({ bob: [4, 0] });
    stage.entries(2, 3, 4, 5);
    stage.flush();
    assert.deepEqual(stage.told(bob), [1, 4, 5]);
  });

  it('that another incarnation forwards again in between are neither repeated nor missed', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.nextSeq = 9;
    stage.audience({ ada: [1, 0] });
    stage.entries(9, 10);
    stage.flush();
    stage.entry(11);
    stage.entry(8, { incarnation: 2 });
    stage.entry(9, { incarnation: 2 });
    stage.flush();
    for (const seq of [10, 11, 12]) stage.entry(seq, { incarnation: 2 });
    stage.flush();
    assert.deepEqual(stage.told(ada), [9, 10, 11, 12]);
  });

  it('of an audience that is not known are asked for', () => {
    const stage = new Stage();
    stage.entry(4, { audience: 9 });
    assert.deepEqual(stage.toOwner, [{ t: 'audienceUnknown', audience: 9, convId: conv, seq: 4 }]);
  });
});

describe('a missing entry', () => {
  it('is fetched once, whatever comes behind it', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1, 4, 5, 6);
    t.mock.timers.tick(20);
    assert.deepEqual(stage.sent('pull'), [{ t: 'pull', convId: conv, fromSeq: 2, toSeq: 3 }]);
    stage.entries(2, 3);
    stage.flush();
    assert.deepEqual(stage.told(ada), [1, 2, 3, 4, 5, 6]);
    t.mock.timers.tick(60_000);
    assert.equal(stage.sent('pull').length, 1);
  });

  it('that comes by itself is not fetched', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const stage = new Stage();
    stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1, 3, 2);
    t.mock.timers.tick(60_000);
    assert.deepEqual(stage.toOwner, []);
  });

  it('I5: is asked for again, and at last told as a gap, and what is behind it goes on', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1, 4);
    stage.flush();
    for (let second = 0; second < 60; second += 1) t.mock.timers.tick(1_000);
    stage.flush();
    assert.deepEqual(stage.told(ada), [1, '2-3', 4]);
    assert.equal(stage.sent('pull').length, 5);
    stage.entries(5);
    stage.flush();
    assert.deepEqual(stage.told(ada), [1, '2-3', 4, 5]);
  });

  it('of a conversation that nobody here hears of any more is not fetched', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1, 3);
    stage.flush();
    stage.close(ada);
    stage.audience({}, { gone: ['ada' as UserId] });
    t.mock.timers.tick(60_000);
    assert.deepEqual(stage.sent('pull'), []);
    assert.equal(stage.pushes.rooms.size, 0);
  });
});

describe('what an edge remembers', () => {
  it('goes with the last session', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1);
    stage.flush();
    stage.close(ada);
    assert.equal(stage.pushes.rooms.size, 1, 'until the owner knows');
    stage.audience({}, { gone: ['ada' as UserId] });
    assert.equal(stage.pushes.rooms.size, 0);
    assert.equal(stage.owner.get(1), undefined);
  });

  it('goes with the session of one who was removed, of whom the owner says nothing more', () => {
    const stage = new Stage();
    const bob = stage.open('bob');
    stage.audience({ bob: [1, 0] });
    stage.entries(1);
    stage.audience({ bob: [1, 2] });
    stage.entries(2);
    stage.flush();
    stage.close(bob);
    assert.equal(stage.pushes.rooms.size, 0);
  });

  it('goes with the acknowledgement of one who was removed', () => {
    const stage = new Stage();
    const bob = stage.open('bob');
    stage.audience({ bob: [1, 2] });
    stage.entries(1, 2);
    stage.flush();
    stage.pushes.acknowledge(bob, conv, 2);
    assert.equal(stage.pushes.rooms.size, 0);
  });

  it('of a user who left and has no session here is nothing', () => {
    const stage = new Stage();
    stage.audience({ bob: [1, 2] });
    assert.equal(stage.pushes.rooms.size, 0);
  });

  it('of a conversation that its owner lets go is what is not acknowledged, until it is', () => {
    const stage = new Stage();
    const [ada, bob] = [stage.open('ada'), stage.open('bob')];
    stage.audience({ ada: [1, 0], bob: [1, 0] });
    stage.entries(1, 2);
    stage.flush();
    stage.pushes.acknowledge(ada, conv, 2);
    stage.audience({}, { whole: true });
    assert.deepEqual([ada.deliveries.size, bob.deliveries.size], [0, 1]);
    assert.equal(stage.pushes.acknowledge(bob, conv, 2), true);
    assert.equal(stage.pushes.rooms.size, 0);
  });
});

describe('one who is not in the audience any more', () => {
  it('gets nothing that comes later, owing an acknowledgement or not, until the owner names them again', () => {
    const stage = new Stage();
    const [ada, bob] = [stage.open('ada'), stage.open('bob')];
    stage.audience({ ada: [1, 0], bob: [1, 0] });
    stage.entries(1);
    stage.flush();
    stage.audience({ ada: [1, 0] }, { whole: true });
    stage.entries(2);
    stage.flush();
    assert.deepEqual([stage.told(ada), stage.told(bob)], [[1, 2], [1]]);
    stage.audience({ bob: [1, 0] });
    stage.entries(3);
    stage.flush();
    assert.deepEqual(stage.told(bob).at(-1), 3);
  });
});

describe('the window of a session', () => {
  it('I5: holds back what is beyond it, and names the exact range once there is room', () => {
    const stage = new Stage({ windowBytes: 70 });
    const ada = stage.open('ada');
    stage.nextSeq = 5;
    stage.audience({ ada: [1, 0] });
    for (const seq of [5, 6, 7, 8, 9]) {
      stage.entries(seq);
      stage.flush();
    }
    const pushed = stage.told(ada);
    assert.ok(ada.overWindow && pushed.length < 5, 'the window is smaller than all of it');
    assert.equal(stage.heldBack.length, 1);
    const last = pushed.at(-1) as number;
    stage.pushes.acknowledge(ada, conv, last);
    assert.deepEqual(stage.told(ada), [...pushed, `${last + 1}-9`]);
    assert.equal(ada.unackedBytes, 0);
    stage.entries(10);
    stage.flush();
    assert.equal(stage.told(ada).at(-1), 10, 'live again');
  });

  it('I5: a session that its door has paused is told what it missed when it is resumed', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1);
    stage.flush();
    ada.pausedAtMs = 1;
    stage.entries(2, 3);
    stage.flush();
    stage.entries(4);
    stage.flush();
    assert.deepEqual(stage.told(ada), [1]);
    ada.pausedAtMs = 0;
    stage.pushes.catchUp(ada);
    assert.deepEqual(stage.told(ada), [1, '2-4']);
    stage.entries(5);
    stage.flush();
    assert.deepEqual(stage.told(ada), [1, '2-4', 5]);
  });

  it('tells one who was removed while paused of all up to the removal', () => {
    const stage = new Stage();
    const bob = stage.open('bob');
    stage.audience({ bob: [1, 0] });
    stage.entries(1);
    stage.flush();
    stage.pushes.acknowledge(bob, conv, 1);
    bob.pausedAtMs = 1;
    stage.audience({ bob: [1, 3] });
    stage.entries(2, 3, 4);
    stage.flush();
    bob.pausedAtMs = 0;
    stage.pushes.catchUp(bob);
    assert.deepEqual(stage.told(bob), [1, '2-3']);
  });

  it('is free of what a conversation took that is let go', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1, 2);
    stage.flush();
    assert.ok(ada.unackedBytes > 0);
    const delivery = ada.deliveries.get(conv);
    assert.ok(delivery);
    delivery.room.leave(delivery);
    assert.equal(ada.unackedBytes, 0);
  });
});

describe('an acknowledgement', () => {
  const open = (): [Stage, Session] => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1, 2, 3);
    stage.flush();
    return [stage, ada];
  };

  it('goes to the owner with the next flush', () => {
    const [stage, ada] = open();
    stage.pushes.acknowledge(ada, conv, 2);
    stage.pushes.acknowledge(ada, conv, 3);
    stage.flush();
    assert.deepEqual(stage.sent('delivered'), [
      {
        t: 'delivered',
        items: [
          { convId: conv, userId: 'ada', seq: 2 },
          { convId: conv, userId: 'ada', seq: 3 },
        ],
      },
    ]);
  });

  it('beyond what was forwarded here is for the owner to judge', () => {
    const [stage, ada] = open();
    assert.equal(stage.pushes.acknowledge(ada, conv, 4), false);
    // Whatever the owner says of the rest, all that was pushed has come: it fills the window no longer.
    assert.deepEqual([ada.deliveries.get(conv)?.ackedSeq, ada.unackedBytes], [3, 0]);
  });

  it('of a conversation of which nothing was pushed is for the owner to judge', () => {
    const [stage] = open();
    assert.equal(stage.pushes.acknowledge(stage.open('ada'), conv, 1), false);
  });

  it('that goes back changes nothing', () => {
    const [stage, ada] = open();
    stage.pushes.acknowledge(ada, conv, 3);
    stage.pushes.acknowledge(ada, conv, 1);
    assert.equal(ada.deliveries.get(conv)?.ackedSeq, 3);
    assert.equal(ada.unackedBytes, 0);
  });
});

describe('news of the moment', () => {
  it('typing goes to all present members but the typist, receipts to all', () => {
    const stage = new Stage();
    const [ada, bob, cyd] = [stage.open('ada'), stage.open('bob'), stage.open('cyd')];
    stage.audience({ ada: [1, 0], bob: [1, 0], cyd: [1, 5] });
    stage.pushes.typing({ t: 'typing', audience: 1, convId: conv, userId: 'ada' as UserId, active: true });
    stage.pushes.receipts({ t: 'receipts', audience: 1, convId: conv, seq: 1, delivered: 1, read: 1 });
    const kinds = (session: Session) => stage.heard(session).map(({ event }) => event.case);
    assert.deepEqual([ada, bob, cyd].map(kinds), [['receipts'], ['typing', 'receipts'], []]);
  });

  it('is not kept for sessions that lag or are not open yet', () => {
    const stage = new Stage();
    const [slow, early, ready] = [stage.open('ada'), stage.open('ada'), stage.open('ada')];
    slow.pausedAtMs = 1;
    early.state = 'registering';
    stage.cursor({ to: ['ada' as UserId] });
    assert.deepEqual(
      [slow, early, ready].map((one) => stage.heard(one).length),
      [0, 0, 1],
    );
  });
});

describe('all that an edge does with a conversation', () => {
  const user = fc.constantFrom('ada', 'bob');
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ t: fc.constant('entry' as const), ahead: fc.integer({ min: -2, max: 3 }) }),
    },
    { weight: 3, arbitrary: fc.constant({ t: 'flush' as const }) },
    { weight: 2, arbitrary: fc.record({ t: fc.constant('open' as const), user }) },
    { weight: 1, arbitrary: fc.record({ t: fc.constant('close' as const), at: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ t: fc.constant('ack' as const), at: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ t: fc.constant('pause' as const), at: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ t: fc.constant('resume' as const), at: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.constant({ t: 'newIncarnation' as const }) },
    { weight: 1, arbitrary: fc.constant({ t: 'evict' as const }) },
  );

  it('I5: every session hears every entry from its registration on, in order, once, or is told the range', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const stage = new Stage({ windowBytes: 120 });
        const owner = new ModelOwner(stage);
        for (const one of steps) owner.step(one);
        owner.finish();
      }),
      { numRuns: 500 },
    );
  });
});

type Step =
  | { t: 'entry'; ahead: number }
  | { t: 'flush' | 'newIncarnation' | 'evict' }
  | { t: 'open'; user: string }
  | { t: 'close' | 'ack' | 'pause' | 'resume'; at: number };

/** An owner with a log of its own that forwards out of order and again, and answers pulls. */
class ModelOwner {
  readonly #stage: Stage;
  readonly #sessions: { readonly session: Session; readonly from: number; paused: boolean }[] = [];
  #head = 10;
  #incarnation = 1;
  #audience = 1;
  #answered = 0;
  #users = new Set<string>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  step(step: Step): void {
    const open = 'at' in step ? this.#sessions[step.at % Math.max(1, this.#sessions.length)] : undefined;
    switch (step.t) {
      case 'entry':
        this.#entry(step.ahead);
        return;
      case 'flush':
        this.#stage.flush();
        return;
      case 'open':
        this.#open(step.user);
        return;
      case 'close':
        if (open !== undefined) this.#close(open);
        return;
      case 'ack':
        if (open !== undefined) this.#ack(open);
        return;
      case 'pause':
        if (open !== undefined) open.session.pausedAtMs = 1;
        return;
      case 'resume':
        if (open !== undefined) this.#resume(open.session);
        return;
      case 'newIncarnation':
        this.#incarnation += 1;
        return;
      case 'evict':
        this.#stage.audience({}, { audience: this.#audience, whole: true });
        this.#audience += 1;
        this.#users = new Set();
    }
  }

  finish(): void {
    this.#entry(1);
    for (const { session } of this.#sessions) this.#resume(session);
    for (let round = 0; round < 20; round += 1) {
      this.#answerPulls();
      this.#stage.flush();
      for (const one of this.#sessions) {
        this.#ack(one);
        this.#resume(one.session);
      }
    }
    for (const { session, from } of this.#sessions) this.#check(session, from);
    for (const one of [...this.#sessions]) this.#close(one);
    this.#stage.flush();
    assert.equal(this.#stage.pushes.rooms.size, 0, 'rooms are left over');
  }

  /** 1: the next one; less: one again; more: some are overtaken (their turn comes when they are pulled). */
  #entry(ahead: number): void {
    this.#tellUsers();
    this.#stage.nextSeq = this.#head + 1;
    const seq = Math.max(1, this.#head + ahead);
    this.#head = Math.max(this.#head, seq);
    if (this.#users.size > 0) this.#forward(seq);
  }

  #forward(seq: number): void {
    this.#stage.entry(seq, { audience: this.#audience, incarnation: this.#incarnation });
  }

  #answerPulls(): void {
    // As the timers would.
    const missing = this.#stage.pushes.rooms.get(conv)?.order.missing;
    if (missing !== undefined) for (let seq = missing.from; seq <= missing.to; seq += 1) this.#forward(seq);
    const pulls = this.#stage.sent('pull');
    for (const { fromSeq, toSeq } of pulls.slice(this.#answered)) {
      this.#tellUsers();
      for (let seq = fromSeq; seq <= toSeq; seq += 1) this.#forward(seq);
    }
    this.#answered = pulls.length;
  }

  #tellUsers(): void {
    this.#stage.nextSeq = this.#head + 1;
    const users = new Set(this.#sessions.map(({ session }) => session.userId as string));
    const fresh = [...users].filter((user) => !this.#users.has(user));
    this.#users = users;
    if (fresh.length > 0) {
      const hearers = Object.fromEntries(fresh.map((user) => [user, [1, 0] as const]));
      this.#stage.audience(hearers, { audience: this.#audience });
    }
  }

  #open(user: string): void {
    this.#tellUsers();
    const session = this.#stage.open(user);
    this.#sessions.push({ session, from: this.#head + 1, paused: false });
    this.#users.add(user);
    this.#stage.audience({ [user]: [1, 0] }, { audience: this.#audience });
  }

  #close(one: { readonly session: Session }): void {
    this.#sessions.splice(
      this.#sessions.findIndex(({ session }) => session === one.session),
      1,
    );
    this.#stage.close(one.session);
    const { userId } = one.session;
    if (this.#sessions.some(({ session }) => session.userId === userId)) return;
    this.#users.delete(userId);
    this.#stage.audience({}, { audience: this.#audience, gone: [userId] });
  }

  #ack({ session }: { readonly session: Session }): void {
    const last = this.#reached(session);
    if (last > 0 && !this.#stage.pushes.acknowledge(session, conv, last))
      this.#stage.pushes.acknowledged(session, conv, last);
  }

  #resume(session: Session): void {
    session.pausedAtMs = 0;
    this.#stage.pushes.catchUp(session);
  }

  /** What a client has that fetches each gap at once. */
  #reached(session: Session): number {
    const told = this.#stage.told(session);
    const last = told.at(-1);
    return last === undefined ? 0 : Number(String(last).split('-').at(-1));
  }

  #check(session: Session, from: number): void {
    let next = from;
    for (const one of this.#stage.told(session)) {
      const [first, last = first] = String(one).split('-').map(Number) as [number, number?];
      if (last < from) continue;
      assert.ok(first <= next, `${session.userId} was not told of ${next}: ${this.#stage.told(session)}`);
      if (typeof one === 'number') assert.ok(one >= next, `${one} came twice: ${this.#stage.told(session)}`);
      next = last + 1;
    }
    assert.equal(next, this.#head + 1, `${session.userId} from ${from}: ${this.#stage.told(session)}`);
  }
}
