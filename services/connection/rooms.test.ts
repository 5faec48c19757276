import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import { TokenBucket } from '../core/token-bucket.ts';
import type { AudienceFrame, EntryFrame } from '../peer/edge-frames.ts';
import { type Audiences, Room } from './room.ts';
import { Rooms } from './rooms.ts';
import { Session } from './session.ts';
import { logEntry, StandingClock } from './testing/stage.ts';
import { gapFragment } from './wire.ts';

const convId = 'g' as ConvId;
const hearer = { userId: 'ada' as UserId, firstSeq: 1, lastSeq: 0 };

function session(): Session {
  const one = new Session({
    no: 1,
    outlet: { deliver() {}, close() {} },
    doorSession: 1,
    info: { remoteAddress: '', transport: 'test' },
    nowMs: 0,
    rate: new TokenBucket(1, 1, 0),
  });
  one.userId = hearer.userId;
  one.state = 'open';
  return one;
}

function open() {
  const pulled: [Seq, Seq][] = [];
  const ada = session();
  const rooms = new Rooms({
    clock: new StandingClock(),
    sessionsOf: (userId) => (userId === ada.userId ? [ada] : []),
    pull: (_, fromSeq, toSeq) => void pulled.push([fromSeq, toSeq]),
    dirty: () => {},
    recheck: () => {},
  });
  return { rooms, pulled, ada };
}

const audience = (nextSeq: Seq, fields: Partial<AudienceFrame> = {}): AudienceFrame => ({
  t: 'audience',
  audience: 1,
  convId,
  nextSeq,
  whole: true,
  users: [hearer],
  gone: [],
  knownSeq: nextSeq - 1,
  ...fields,
});
const entry = (seq: Seq, incarnation = 1, no = 1): EntryFrame => ({
  t: 'entry',
  audience: no,
  incarnation,
  entry: logEntry(seq, convId),
});

describe('I5: what a room lacks', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  it('is fetched when its owner says that it knows of it, though nothing comes after it', () => {
    const { rooms, pulled } = open();
    rooms.audience(new Map(), audience(5, { knownSeq: 9 }));
    mock.timers.tick(1_000);
    assert.deepEqual(pulled[0], [5, 9]);
  });

  it('is fetched when it comes from somebody whose audience is not known here', () => {
    const { rooms, pulled } = open();
    rooms.audience(new Map(), audience(5));
    assert.equal(rooms.entry(new Map(), entry(5, 2, 7)), false);
    mock.timers.tick(1_000);
    assert.deepEqual(pulled[0], [5, 5]);
  });

  it('is not given up before it had the time to come, when who hears is told anew', () => {
    const { rooms, pulled } = open();
    const owner: Audiences = new Map();
    rooms.audience(owner, audience(5));
    rooms.entry(owner, entry(7));
    rooms.audience(owner, audience(8));
    assert.equal(rooms.get(convId)?.last, 4);
    mock.timers.tick(1_000);
    assert.deepEqual(pulled[0], [5, 6]);
  });
});

describe('a room that two owners tell of', () => {
  it('takes a change of who hears from the one alone that said who hears', () => {
    const { rooms } = open();
    rooms.audience(new Map(), audience(5));
    const change = audience(7, { whole: false, users: [], gone: [hearer.userId] });
    assert.equal(rooms.audience(new Map(), change), false, 'it has to say it whole');
    assert.deepEqual([...(rooms.get(convId)?.hearers.keys() ?? [])], [hearer.userId]);
  });

  it('I6: has one number at each of them, however often the one and the other are heard', () => {
    const { rooms } = open();
    const [one, other, third]: [Audiences, Audiences, Audiences] = [new Map(), new Map(), new Map()];
    for (let no = 1; no <= 100; no += 1) {
      // Each gives it another number when it has let go of the conversation, or has read its rules again.
      rooms.audience(one, audience(5, { audience: 2 * no }));
      rooms.audience(other, audience(5, { audience: 2 * no + 1 }));
      rooms.audience(third, audience(4, { audience: no }));
    }
    assert.deepEqual([...one.keys(), ...other.keys(), ...third.keys()], [200, 201, 100]);
    assert.equal(one.get(200), rooms.get(convId));
    assert.deepEqual(rooms.orphaned(one), [], 'it is not heard');
    rooms.audience(third, audience(4, { audience: 100, users: [] }));
    assert.deepEqual([...third.keys()], []);
    rooms.audience(third, audience(4, { audience: 101 }));
    rooms.audience(other, audience(5, { audience: 201, users: [] }));
    assert.deepEqual([rooms.size, other.size, third.size], [0, 0, 0], 'a room that is gone has none');
  });

  it('I6: has no number at one whose entry it did not take, and who has to tell anew', () => {
    const { rooms } = open();
    const [one, other]: [Audiences, Audiences] = [new Map(), new Map()];
    rooms.audience(one, audience(5));
    rooms.audience(other, audience(5));
    assert.equal(rooms.entry(one, entry(6)), false);
    assert.deepEqual([...one.keys()], []);
    rooms.audience(one, audience(7, { audience: 2 }));
    rooms.audience(other, audience(7, { audience: 2 }));
    assert.deepEqual([...one.keys(), ...other.keys()], [2, 2]);
  });

  it('is as far as it was when one of them forwards again', () => {
    const { rooms } = open();
    const owner: Audiences = new Map();
    rooms.audience(owner, audience(5));
    for (const seq of [5, 6, 7]) rooms.entry(owner, entry(seq));
    rooms.entry(owner, entry(5, 2));
    assert.equal(rooms.get(convId)?.last, 7);
  });
});

describe('I2: what a session has acknowledged', () => {
  it('is not before it again when an owner that has read less names it a hearer from earlier on', () => {
    const { rooms, ada } = open();
    const pushed: Seq[] = [];
    const flush = () =>
      rooms.flush(
        (delivery, _fragment, to) => {
          delivery.sentSeq = to;
          pushed.push(to);
          return true;
        },
        () => {},
      );
    const [one, other]: [Audiences, Audiences] = [new Map(), new Map()];
    rooms.audience(one, audience(20));
    rooms.entry(one, entry(20));
    flush();
    const delivery = ada.deliveries.get(convId);
    assert.ok(delivery !== undefined);
    delivery.acknowledge(20);
    rooms.audience(one, audience(21, { users: [] }));
    assert.equal(ada.deliveries.size, 0, 'it hears of the conversation no more');

    rooms.audience(other, audience(1, { knownSeq: 2 }));
    for (const seq of [1, 2]) rooms.entry(other, entry(seq, 2));
    flush();
    assert.deepEqual(pushed, [20]);

    for (let seq = 3; seq <= 21; seq += 1) rooms.entry(other, entry(seq, 2));
    flush();
    assert.deepEqual(pushed, [20, 21]);
  });
});

describe('a gap', () => {
  const pushed = (room: Room): Uint8Array[] => {
    const fragments: Uint8Array[] = [];
    room.flush(
      (_, fragment) => fragments.push(fragment) > 0,
      () => {},
    );
    return fragments;
  };

  it('that is told ends where its reader’s range does', () => {
    const room = new Room(convId, 2);
    room.enter(session(), { ...hearer, firstSeq: 5, lastSeq: 7 }, 3);
    room.addGap(3, 9);
    assert.deepEqual(pushed(room), [gapFragment(convId, 5, 7)]);
  });

  it('is told before what comes after it, whichever came first', () => {
    const [ordered, jumbled] = [new Room(convId, 2), new Room(convId, 2)];
    for (const room of [ordered, jumbled]) room.enter(session(), hearer, 3);
    ordered.addGap(3, 9);
    ordered.add(logEntry(10, convId));
    jumbled.add(logEntry(10, convId));
    jumbled.addGap(3, 9);
    // The gap says it, too.
    jumbled.add(logEntry(7, convId));
    assert.deepEqual(pushed(jumbled), pushed(ordered));
  });
});
