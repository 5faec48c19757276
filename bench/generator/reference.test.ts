import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Ledger } from './ledger.ts';
import { ReferenceStream } from './reference.ts';
import { Schedule } from './schedule.ts';
import { oneGroup } from './topology.ts';

const messages = 300;
const topology = oneGroup(4);
const items = Array.from({ length: messages }, (_, k) => Buffer.from(`<item ${k}>`));
const whole = Buffer.concat(items);
let ledger: Ledger;
let reference: ReferenceStream;

beforeEach(() => {
  ledger = new Ledger({ topology, echo: true, sequenced: true, ordered: true });
  ledger.begin(new Schedule({ firstK: 0, ratePerSecond: messages, seconds: 1, startMs: 0 }));
  for (let k = 0; k < messages; k++) ledger.sending(k, 0, topology.senderSideFor(k));
  reference = new ReferenceStream(ledger);
});

/** What a client does: compares what it can, parses the next item where it can't. */
function receive(member: number, stream: readonly number[]): void {
  const bytes = Buffer.concat(stream.map((k) => items[k] as Buffer));
  const starts = new Map<number, number>();
  let at = 0;
  stream.forEach((k) => {
    starts.set(at, k);
    at += items[k]?.length ?? 0;
  });
  let position = 0;
  while (position < bytes.length) {
    position = reference.match(member, bytes, position, bytes.length, 1);
    if (position === bytes.length) return;
    const k = starts.get(position) as number;
    const end = position + (items[k]?.length ?? 0);
    reference.delivered(member, k, k + 1, 1, { buffer: bytes, start: position, end });
    position = end;
  }
}

const all = Array.from({ length: messages }, (_, k) => k);

test('members who get the same bytes have everything', () => {
  for (let member = 0; member < 4; member++) receive(member, all);
  assert.ok(!ledger.complete, 'acknowledgements are still missing');
  const result = ledger.result();
  assert.deepEqual([result.delivered, result.missing, result.violations], [4 * messages, 0, 0]);
  assert.equal(reference.seqOf(2), messages);
});

test('only whole items are taken', () => {
  receive(0, all);
  const cut = whole.subarray(0, whole.length - 1);
  const stop = reference.match(1, cut, 0, cut.length, 1);
  assert.equal(stop, whole.length - (items.at(-1)?.length ?? 0));
});

for (const [name, stream, violation] of [
  ['a loss', all.filter((k) => k !== 150), 'outOfOrder'],
  ['a repeat', [...all.slice(0, 151), 150, ...all.slice(151)], 'repeated'],
  ['a swap', [...all.slice(0, 150), 151, 150, ...all.slice(152)], 'outOfOrder'],
] as const) {
  test(`${name} in the middle of a member's stream shows`, () => {
    receive(0, all);
    receive(1, stream);
    assert.ok(ledger.violations.count(violation) > 0);
  });

  test(`${name} shows with the member who is first to get it, too`, () => {
    receive(0, stream);
    assert.ok(ledger.violations.total > 0);
  });
}

test('a loss of the first item by the member who is first is no repeat to the others', () => {
  receive(0, all.slice(1));
  receive(1, all);
  assert.equal(ledger.violations.count('repeated'), 0);
  assert.ok(ledger.violations.count('outOfOrder') > 0);
});

test('a loss at the end shows in the count', () => {
  for (let member = 0; member < 4; member++) receive(member, member === 3 ? all.slice(0, -1) : all);
  assert.equal(ledger.result().missing, 1);
  assert.equal(ledger.violations.count('lost'), 1);
});
