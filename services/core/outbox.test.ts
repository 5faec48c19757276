import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox } from './outbox.ts';

const outbox = () => new Outbox<string>({ limitBytes: 10, batchBytes: 5 });

test("a turn's frames leave together, and later ones in later batches", async () => {
  const box = outbox();
  const batches = box.batches();
  const first = batches.next();
  await Promise.resolve();
  box.push('a', 1);
  await Promise.resolve();
  box.push('b', 1);
  assert.deepEqual((await first).value, ['a', 'b']);
  const second = batches.next();
  await Promise.resolve();
  box.push('c', 1);
  assert.deepEqual((await second).value, ['c']);
});

test('a batch ends at its size', async () => {
  const box = outbox();
  for (const frame of ['a', 'b', 'c']) box.push(frame, 3);
  const batches = box.batches();
  assert.deepEqual((await batches.next()).value, ['a', 'b']);
  assert.deepEqual((await batches.next()).value, ['c']);
});

test('it is full at its limit, save for frames without bytes', () => {
  const box = outbox();
  assert.equal(box.push('a', 10), 'queued');
  assert.equal(box.push('b', 1), 'full');
  assert.equal(box.push('c', 0), 'queued');
  assert.equal(box.bytes, 10);
});

test('closed: what waits is taken, then the batches end', async () => {
  const box = outbox();
  box.push('a', 1);
  box.close();
  assert.equal(box.push('b', 1), 'closed');
  const batches = box.batches();
  assert.deepEqual(await batches.next(), { value: ['a'], done: false });
  assert.deepEqual(await batches.next(), { value: undefined, done: true });
  const waiting = outbox();
  const ended = waiting.batches().next();
  await Promise.resolve();
  waiting.close();
  assert.equal((await ended).done, true);
});
