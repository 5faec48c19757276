import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { UserId } from '../core/ids.ts';
import type { AckState } from '../ports/session-acks.ts';
import { concerns, type DeviceFacts, verdict } from './push-rules.ts';

const bob = 'bob' as UserId;
const message = { seq: 10, sender: 'ann', createdAtMs: 5_000 };
const member = { userId: bob, joinedSeq: 1, leftSeq: 0 };

describe('whom a message concerns', () => {
  it('is a member', () => {
    assert.equal(concerns(member, message), true);
  });

  it('is nobody who said it, left, or came later', () => {
    assert.equal(concerns({ ...member, userId: 'ann' as UserId }, message), false);
    assert.equal(concerns({ ...member, leftSeq: 12 }, message), false);
    assert.equal(concerns({ ...member, joinedSeq: 11 }, message), false);
    assert.equal(concerns({ ...member, joinedSeq: 10 }, message), true);
  });
});

const asleep: DeviceFacts = {
  registeredAtMs: 1_000,
  toldSeq: 0,
  sessions: [],
  deliveredSeq: 0,
  late: false,
};

/** What is known of a device, and what it gets. */
const cases: readonly (readonly [string, Partial<DeviceFacts>, ReturnType<typeof verdict>])[] = [
  ['it has no session', {}, 'push'],
  ['it has none, and another device of the user has it', { deliveredSeq: 10 }, 'push'],
  ['it was told already', { toldSeq: 10 }, 'spare'],
  ['it was told of what came before', { toldSeq: 9 }, 'push'],
  ['it was registered later', { registeredAtMs: 5_001 }, 'spare'],
  ['it was registered as the message came', { registeredAtMs: 5_000 }, 'push'],
  ['it has acknowledged', { sessions: ['acknowledged'] }, 'spare'],
  ['it may acknowledge yet', { sessions: ['owing'] }, 'wait'],
  ['its session is half-open', { sessions: ['owing'], late: true }, 'push'],
  [
    'its session is half-open, and another device has it',
    { sessions: ['owing'], late: true, deliveredSeq: 10 },
    'push',
  ],
  ['its former session is half-open, and a new one has it', { sessions: ['owing', 'acknowledged'] }, 'spare'],
  ['its session came later and has synced', { sessions: ['unknown'], deliveredSeq: 10 }, 'spare'],
  ['its session came later and may sync yet', { sessions: ['unknown'], deliveredSeq: 9 }, 'wait'],
  ['its session came later and never synced', { sessions: ['unknown'], deliveredSeq: 9, late: true }, 'push'],
  ['it has a half-open session and was told', { sessions: ['owing'], late: true, toldSeq: 10 }, 'spare'],
];

describe('what a device gets when', () => {
  for (const [name, facts, expected] of cases)
    it(name, () => assert.equal(verdict(message, { ...asleep, ...facts }), expected));

  const facts: fc.Arbitrary<DeviceFacts> = fc.record({
    registeredAtMs: fc.integer({ min: 0, max: 10_000 }),
    toldSeq: fc.integer({ min: 0, max: 20 }),
    sessions: fc.array(fc.constantFrom<AckState>('owing', 'acknowledged', 'unknown'), { maxLength: 3 }),
    deliveredSeq: fc.integer({ min: 0, max: 20 }),
    late: fc.boolean(),
  });

  it('it has acknowledged is nothing, whatever else is so', () => {
    fc.assert(
      fc.property(facts, (any) => {
        const sessions: AckState[] = [...any.sessions, 'acknowledged'];
        assert.equal(verdict(message, { ...any, sessions }), 'spare');
      }),
    );
  });

  it('time is up is decided', () => {
    fc.assert(fc.property(facts, (any) => assert.notEqual(verdict(message, { ...any, late: true }), 'wait')));
  });

  it('it waits is the same as if it never had come, once time is up', () => {
    fc.assert(
      fc.property(facts, (any) => {
        fc.pre(verdict(message, any) === 'wait');
        assert.equal(verdict(message, { ...any, late: true }), 'push');
      }),
    );
  });
});
