import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Ledger } from './ledger.ts';
import { Schedule } from './schedule.ts';
import { oneGroup, pairs } from './topology.ts';

// Two users, one conversation; messages 0, 1, 2 by user 0 and 3 by user 1.
const topology = {
  ...pairs(2, 1),
  conversationFor: () => 0,
  senderSideFor: (k: number) => (k === 3 ? 1 : 0),
};
let ledger: Ledger;

beforeEach(() => {
  ledger = new Ledger({ topology, echo: true, sequenced: true, ordered: true });
  ledger.begin(new Schedule({ firstK: 0, ratePerSecond: 4, seconds: 1, startMs: 0 }));
  for (let k = 0; k < 4; k++) ledger.sending(k, 0, topology.senderSideFor(k));
});

function deliver(user: number, k: number, seq = k + 1): void {
  ledger.delivered(user, 0, k, seq, 10);
}

function acknowledge(): void {
  for (let k = 0; k < 4; k++) ledger.acked(k, k + 1, 5);
}

test('all delivered in order, none lost', () => {
  acknowledge();
  for (const user of [0, 1]) for (let k = 0; k < 4; k++) deliver(user, k);
  assert.ok(ledger.complete);
  const result = ledger.result();
  assert.deepEqual([result.violations, result.missing, result.delivered], [0, 0, 8]);
  assert.equal(result.delivery.count, 4, 'a sender’s own messages have no latency');
});

test('before the first pass no message is known', () => {
  const fresh = new Ledger({ topology, echo: true, sequenced: true, ordered: true });
  assert.deepEqual([fresh.senderSideOf(0), fresh.conversationOf(7)], [-1, -1]);
});

test('a lost one shows at the next one of its sender', () => {
  deliver(1, 0);
  deliver(1, 2);
  assert.equal(ledger.violations.count('outOfOrder'), 1);
  assert.equal(ledger.violations.count('seqGap'), 1);
});

test('a lost last one shows in the count', () => {
  acknowledge();
  for (const user of [0, 1]) for (let k = 0; k < 4; k++) if (user === 0 || k < 3) deliver(user, k);
  assert.equal(ledger.result().missing, 1);
  assert.equal(ledger.violations.count('lost'), 1);
});

test('a repeat shows, and cannot stand in for a loss', () => {
  for (const k of [0, 1, 1, 2]) deliver(1, k);
  assert.equal(ledger.result().missing, 8 - 3);
  assert.equal(ledger.violations.count('repeated'), 1);
});

test('swapped ones show', () => {
  deliver(1, 1);
  deliver(1, 0);
  assert.ok(ledger.violations.count('outOfOrder') > 0);
});

test('a gap in seq shows even where each sender’s order holds', () => {
  deliver(1, 0, 1);
  deliver(1, 3, 3);
  assert.equal(ledger.violations.count('seqGap'), 1);
  assert.equal(ledger.violations.count('outOfOrder'), 0);
});

test('an acknowledgement with another seq than the delivery shows', () => {
  ledger.acked(0, 1, 5);
  deliver(1, 0, 1);
  deliver(0, 0, 2);
  assert.equal(ledger.violations.count('wrongAck'), 1);
});

test('acknowledged twice, or never sent', () => {
  ledger.acked(0, 1, 5);
  ledger.acked(0, 1, 5);
  ledger.acked(77, 1, 5);
  assert.equal(ledger.violations.count('wrongAck'), 2);
});

test('a repeat shows where order is not promised, too', () => {
  const loose = new Ledger({ topology, echo: true, sequenced: false, ordered: false });
  loose.begin(new Schedule({ firstK: 0, ratePerSecond: 1, seconds: 1, startMs: 0 }));
  loose.sending(0, 0, 0);
  for (const user of [1, 1]) loose.delivered(user, 0, 0, 0, 1);
  assert.equal(loose.violations.count('repeated'), 1);
  assert.equal(loose.result().missing, 1);
});

test('what nobody sent, and what went to the wrong one, is stray', () => {
  deliver(1, 9);
  deliver(7, 0);
  assert.equal(ledger.violations.count('stray'), 2);
});

test('without echo, an own message is stray', () => {
  const group = oneGroup(3);
  const relayed = new Ledger({ topology: group, echo: false, sequenced: false, ordered: true });
  relayed.begin(new Schedule({ firstK: 0, ratePerSecond: 1, seconds: 1, startMs: 0 }));
  relayed.sending(0, 0, 0);
  relayed.delivered(0, 0, 0, 0, 1);
  assert.equal(relayed.violations.count('stray'), 1);
});

test('where order is not promised, disorder is counted and nothing else', () => {
  const loose = new Ledger({ topology, echo: false, sequenced: false, ordered: false });
  loose.begin(new Schedule({ firstK: 0, ratePerSecond: 2, seconds: 1, startMs: 0 }));
  for (const k of [0, 1]) loose.sending(k, 0, 0);
  for (const k of [1, 0]) loose.delivered(1, 0, k, 0, 1);
  const result = loose.result();
  assert.deepEqual([result.violations, result.missing], [0, 0]);
  assert.ok(result.disordered > 0);
});

test('what is missing after a refusal is no loss', () => {
  ledger.disturbed('overloaded');
  const result = ledger.result();
  assert.equal(result.violations, 0);
  assert.equal(result.missing, 8);
});
