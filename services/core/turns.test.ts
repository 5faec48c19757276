import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault } from './fault.ts';
import { Turns } from './turns.ts';

/** Tasks that end when they are told to. */
function tasks(turns: Turns, count: number) {
  const started: number[] = [];
  const gates = Array.from({ length: count }, () => Promise.withResolvers<void>());
  const results = gates.map((gate, at) =>
    turns.run(async () => {
      started.push(at);
      await gate.promise;
      return at;
    }),
  );
  return { started, gates, results };
}

describe('turns', () => {
  it('are taken by a few at once, in the order in which they were asked for', async () => {
    const turns = new Turns({ atOnce: 2, mostWaiting: 10 });
    const { started, gates, results } = tasks(turns, 5);
    assert.deepEqual([started, turns.waiting], [[0, 1], 3]);
    gates[1]?.resolve();
    await results[1];
    assert.deepEqual([started, turns.waiting], [[0, 1, 2], 2]);
    for (const gate of gates) gate.resolve();
    assert.deepEqual(await Promise.all(results), [0, 1, 2, 3, 4]);
    assert.deepEqual([started, turns.waiting], [[0, 1, 2, 3, 4], 0]);
  });

  it('pass on when a task fails', async () => {
    const turns = new Turns({ atOnce: 1, mostWaiting: 1 });
    const failing = turns.run(() => Promise.reject(new Error('no')));
    const next = turns.run(() => Promise.resolve('yes'));
    await assert.rejects(failing, /no/);
    assert.equal(await next, 'yes');
    assert.equal(await turns.run(() => Promise.resolve('again')), 'again');
  });

  it('are refused with a retry when too many wait', async () => {
    const turns = new Turns({ atOnce: 1, mostWaiting: 1 });
    const { gates, results } = tasks(turns, 2);
    await assert.rejects(
      turns.run(() => Promise.resolve()),
      (error) => error instanceof Fault && error.reason === 'overloaded',
    );
    for (const gate of gates) gate.resolve();
    await Promise.all(results);
  });

  it('hold for thousands', async () => {
    const turns = new Turns({ atOnce: 3, mostWaiting: 5_000 });
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 4_000 }, (_, at) => turns.run(() => Promise.resolve(order.push(at)))),
    );
    assert.deepEqual(
      order,
      Array.from({ length: 4_000 }, (_, at) => at),
    );
  });
});
