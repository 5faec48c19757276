import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { OwnerFrame } from '../peer/edge-frames.ts';
import { EdgePeer } from './edge-peer.ts';
import { EdgeSession } from './edge-session.ts';
import { PresenceBook } from './presence-book.ts';
import type { Link } from '../peer/link.ts';
import { ada, bob, user } from './testing/samples.ts';

class Edge extends EdgePeer {
  readonly told: OwnerFrame[] = [];

  constructor(no: number) {
    const told: OwnerFrame[] = [];
    const link: Link<OwnerFrame> = {
      send: (frame) => {
        told.push(frame);
        return 'queued';
      },
      close: () => {},
    };
    super({ no, nodeId: `edge ${no}`, link, linkedAtMs: 0 });
    this.told = told;
  }
}

const session = (edge: EdgePeer, no: number, userId: typeof ada, deviceId = `device ${no}`, sinceMs = 0) =>
  new EdgeSession({ edge, no, userId, deviceId, sinceMs });
const presence = (userId: string, online: boolean, lastSeenAtMs = 0) => ({
  t: 'presence',
  userId,
  online,
  lastSeenAtMs,
});

describe('presence', () => {
  it('is told no more to an edge whose link an answer has overfilled', () => {
    const book = new PresenceBook();
    const [here, watcher] = [new Edge(1), new Edge(2)];
    const send = watcher.send.bind(watcher);
    watcher.send = (frame) => {
      send(frame);
      watcher.isDown = true;
    };
    book.watch(watcher, [bob, ada]);
    book.up(session(here, 1, ada));
    assert.deepEqual(watcher.told, [presence('bob', false)]);
  });

  it('is told to those who watch, when a first session comes and the last one goes', () => {
    const book = new PresenceBook();
    const [here, there, watcher] = [new Edge(1), new Edge(2), new Edge(3)];
    book.watch(watcher, [ada]);
    book.up(session(here, 1, ada));
    book.up(session(there, 1, ada));
    book.up(session(there, 2, ada));
    assert.equal(book.down(here, 1, 10), 'ada');
    assert.equal(book.down(there, 1, 11), undefined, 'another one is open there');
    assert.equal(book.down(there, 2, 12), 'ada');
    assert.deepEqual(watcher.told, [
      presence('ada', false),
      presence('ada', true),
      presence('ada', false, 12),
    ]);
    assert.deepEqual(book.state(ada), { userId: 'ada', online: false, lastSeenAtMs: 12 });
    assert.deepEqual([...book.edgesOf(ada)], []);
  });

  it('of a user not watched any more is not told', () => {
    const book = new PresenceBook();
    const [here, watcher] = [new Edge(1), new Edge(2)];
    book.watch(watcher, [ada, bob]);
    book.unwatch(watcher, [ada]);
    watcher.told.length = 0;
    book.up(session(here, 1, ada));
    book.up(session(here, 2, bob));
    assert.deepEqual(watcher.told, [presence('bob', true)]);
  });

  it('a session that is not there goes without a trace', () => {
    assert.equal(new PresenceBook().down(new Edge(1), 7, 1), undefined);
  });
});

describe('sessions of one device', () => {
  it('the newer one supersedes the older, wherever that is', () => {
    const book = new PresenceBook();
    const [here, there] = [new Edge(1), new Edge(2)];
    book.up(session(here, 1, ada, 'phone', 0));
    book.up(session(there, 1, ada, 'phone', 6_000));
    assert.deepEqual(here.told, [{ t: 'superseded', session: 1 }]);
    assert.deepEqual(there.told, []);
    book.down(here, 1, 1);
    book.up(session(here, 2, ada, 'phone', 12_000));
    assert.deepEqual(
      there.told,
      [{ t: 'superseded', session: 1 }],
      'the older going does not hide the newer',
    );
  });

  it('are told apart at once by the edge that has both', () => {
    const book = new PresenceBook();
    const edge = new Edge(1);
    book.up(session(edge, 1, ada, 'phone', 10));
    book.up(session(edge, 2, ada, 'phone', 10));
    assert.deepEqual(edge.told, [{ t: 'superseded', session: 1 }]);
  });

  it('the one that signed in later stays, also where it is heard of first', () => {
    const book = new PresenceBook();
    const [cutOff, linked] = [new Edge(1), new Edge(2)];
    book.up(session(linked, 2, ada, 'phone', 9_000));
    // What is in the snapshot of an edge that was cut off: the phone left it without a word.
    book.up(session(cutOff, 1, ada, 'phone', -4_000));
    assert.deepEqual([cutOff.told, linked.told], [[{ t: 'superseded', session: 1 }], []]);
    // It does not stand before the one that counts.
    book.down(cutOff, 1, 1);
    book.up(session(cutOff, 3, ada, 'phone', 15_000));
    assert.deepEqual(linked.told, [{ t: 'superseded', session: 2 }]);
    assert.equal(cutOff.told.length, 1);
  });

  it('of which two are named in snapshots, the one that signed in later stays', () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const book = new PresenceBook();
      const edges = [new Edge(1), new Edge(2)];
      const ups = edges.map((edge, at) => session(edge, 1, ada, 'phone', [-70_000, -3_000][at]));
      for (const at of order) book.up(ups[at] as EdgeSession);
      assert.deepEqual(
        edges.map(({ told }) => told.length),
        [1, 0],
      );
    }
  });

  it('stay both where it is not sure which one signed in later', () => {
    const book = new PresenceBook();
    const [here, there] = [new Edge(1), new Edge(2)];
    book.up(session(here, 1, ada, 'phone', 5_000));
    for (const [no, sinceMs] of [
      [1, 4_000],
      [2, 9_000],
    ] as const) {
      book.up(session(there, no, ada, 'phone', sinceMs));
      assert.deepEqual([here.told, there.told], [[], []]);
      book.down(there, no, 1);
    }
    book.up(session(there, 3, ada, 'phone', 11_000));
    assert.deepEqual([here.told, there.told], [[{ t: 'superseded', session: 1 }], []]);
  });

  it('that are one and the same, named again by another link, are not superseded by themselves', () => {
    for (const sinceMs of [-9_000, 4_990, 20_000]) {
      const book = new PresenceBook();
      const [former, next] = [new Edge(1), new Edge(1)];
      book.up(session(former, 1, ada, 'phone', 5_000));
      book.up(session(next, 1, ada, 'phone', sinceMs));
      assert.deepEqual([former.told, next.told], [[], []]);
      book.down(former, 1, 9_000);
      assert.equal(book.state(ada).online, true);
    }
  });

  it('of different users, or named so as to look alike, have nothing to do with each other', () => {
    const book = new PresenceBook();
    const edge = new Edge(1);
    book.up(session(edge, 1, user('a'), 'bc'));
    book.up(session(edge, 2, user('ab'), 'c'));
    book.up(session(edge, 3, ada, 'phone'));
    book.up(session(edge, 4, bob, 'phone'));
    assert.deepEqual(edge.told, []);
  });

  it('of one user, on different devices, stay', () => {
    const book = new PresenceBook();
    const edge = new Edge(1);
    for (let no = 1; no <= 300; no++) book.up(session(edge, no, ada));
    assert.deepEqual(edge.told, []);
    // Each is known again among all of them.
    for (const no of [1, 150, 300]) book.up(session(edge, 1_000 + no, ada, `device ${no}`));
    assert.deepEqual(
      edge.told,
      [1, 150, 300].map((no) => ({ t: 'superseded', session: no })),
    );
  });

  it('told twice are there once', () => {
    const book = new PresenceBook();
    const edge = new Edge(1);
    for (let i = 0; i < 2; i++) book.up(session(edge, 1, ada));
    assert.equal(book.down(edge, 1, 1), 'ada');
    assert.equal(book.state(ada).online, false);
    assert.deepEqual(edge.told, []);
  });

  it('one that is gone is not superseded', () => {
    const book = new PresenceBook();
    const edge = new Edge(1);
    book.up(session(edge, 1, ada, 'phone'));
    book.down(edge, 1, 1);
    book.up(session(edge, 2, ada, 'phone'));
    assert.deepEqual(edge.told, []);
  });
});

describe('whatever comes and goes', () => {
  it('a user is online where sessions are, and nothing is left when all are gone', () => {
    const step = fc.record({
      up: fc.boolean(),
      edge: fc.nat(2),
      no: fc.nat(5),
      user: fc.nat(2),
      sinceMs: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const book = new PresenceBook();
        const edges = [new Edge(0), new Edge(1), new Edge(2)];
        const open = new Map<string, { edge: number; no: number; user: number }>();
        for (const { up, edge, no, user: name, sinceMs } of steps) {
          const key = `${edge}.${no}`;
          if (up && !open.has(key)) {
            open.set(key, { edge, no, user: name });
            book.up(session(edges[edge] as Edge, no, user(`u${name}`), undefined, sinceMs));
          } else if (!up) {
            open.delete(key);
            book.down(edges[edge] as Edge, no, 1);
          }
          for (const name of [0, 1, 2]) {
            const where = new Set(
              [...open.values()].filter((one) => one.user === name).map((one) => one.edge),
            );
            assert.deepEqual(
              [...book.edgesOf(user(`u${name}`))].map(({ no: edgeNo }) => edgeNo).sort(),
              [...where].sort(),
            );
            assert.equal(book.state(user(`u${name}`)).online, where.size > 0);
            for (const one of edges) assert.equal(book.isOn(one, user(`u${name}`)), where.has(one.no));
          }
        }
        for (const { edge, no } of open.values()) book.down(edges[edge] as Edge, no, 1);
        for (const { sessions } of edges) assert.equal(sessions.size, 0);
      }),
    );
  });
});
