import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ForwardOrder } from './forward-order.ts';

const entry = (seq: number) => ({ seq });

function forwarded(
  order: ForwardOrder<{ seq: number }>,
  incarnation: number,
  seqs: readonly number[],
): number[] {
  const out: number[] = [];
  for (const seq of seqs) {
    if (order.arrive(incarnation, entry(seq)) !== 'next') continue;
    out.push(seq);
    for (const held of order.released()) out.push(held.seq);
  }
  return out;
}

describe('the order in which an edge forwards', () => {
  it('begins where the owner said', () => {
    const order = new ForwardOrder({ maxHeld: 4, last: 6 });
    assert.deepEqual(forwarded(order, 1, [8]), []);
    assert.deepEqual(order.missing, { from: 7, to: 7 });
    assert.deepEqual(forwarded(order, 1, [7, 9]), [7, 8, 9]);
  });

  it('drops what was forwarded, and holds what comes early', () => {
    const order = new ForwardOrder({ maxHeld: 4, last: 0 });
    assert.deepEqual(forwarded(order, 1, [1, 1, 3, 4]), [1]);
    assert.deepEqual(order.missing, { from: 2, to: 2 });
    assert.deepEqual(forwarded(order, 1, [2]), [2, 3, 4]);
    assert.equal(order.missing, undefined);
  });

  it('knows what it had no room to hold', () => {
    const order = new ForwardOrder({ maxHeld: 2, last: 0 });
    assert.deepEqual(forwarded(order, 1, [1, 3, 4, 5, 6]), [1]);
    assert.deepEqual(forwarded(order, 1, [2]), [2, 3, 4]);
    assert.deepEqual(order.missing, { from: 5, to: 6 });
  });

  it('takes again what another incarnation forwards again', () => {
    const order = new ForwardOrder({ maxHeld: 4, last: 0 });
    forwarded(order, 1, [1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(forwarded(order, 2, [6, 7, 8]), [6, 7, 8]);
  });

  it('sees the hole that another incarnation begins behind', () => {
    const order = new ForwardOrder({ maxHeld: 4, last: 0 });
    forwarded(order, 1, [1]);
    assert.deepEqual(forwarded(order, 2, [4]), []);
    assert.deepEqual(order.missing, { from: 2, to: 3 });
  });

  it('keeps what is held while another incarnation brings what came before it', () => {
    const order = new ForwardOrder({ maxHeld: 4, last: 6 });
    assert.deepEqual(forwarded(order, 2, [8]), []);
    assert.deepEqual(forwarded(order, 1, [7]), [7, 8]);
  });

  it('goes on behind what was given up', () => {
    const order = new ForwardOrder({ maxHeld: 4, last: 0 });
    forwarded(order, 1, [1, 5, 6]);
    order.skip(4);
    assert.deepEqual(
      [...order.released()].map(({ seq }) => seq),
      [5, 6],
    );
    assert.equal(order.missing, undefined);
  });

  it('misses again what it lets go of', () => {
    const order = new ForwardOrder({ maxHeld: 4, last: 0 });
    forwarded(order, 1, [2, 4, 5]);
    order.letGo(3);
    assert.deepEqual(forwarded(order, 1, [1]), [1, 2]);
    assert.deepEqual(order.missing, { from: 3, to: 5 });
  });

  it('I2: forwards every entry once and in order, however they arrive, as long as what is missing is fetched', () => {
    const arrivals = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 80 });
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 5 }), (seqs, maxHeld) => {
        const order = new ForwardOrder<{ seq: number }>({ maxHeld, last: 0 });
        const out = forwarded(order, 1, seqs);
        for (let missing = order.missing; missing !== undefined; missing = order.missing)
          out.push(...forwarded(order, 1, [missing.from]));
        const all = Array.from({ length: Math.max(0, ...seqs) }, (_, at) => at + 1);
        assert.deepEqual(out, all);
      }),
    );
  });

  it('I5: leaves no session behind, whichever owners forward what, as long as what is missing is fetched', () => {
    const arrival = fc.record({
      incarnation: fc.integer({ min: 1, max: 3 }),
      seq: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(
        fc.array(arrival, { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        (arrivals, maxHeld) => {
          const order = new ForwardOrder<{ seq: number }>({ maxHeld, last: 0 });
          let sent = 0;
          const hear = (seqs: readonly number[]): void => {
            for (const seq of seqs) {
              assert.ok(seq <= sent + 1, `${seq} after ${sent}`);
              sent = Math.max(sent, seq);
            }
          };
          for (const { incarnation, seq } of arrivals) hear(forwarded(order, incarnation, [seq]));
          for (let missing = order.missing; missing !== undefined; missing = order.missing)
            hear(forwarded(order, 4, [missing.from]));
          assert.equal(sent, Math.max(0, ...arrivals.map(({ seq }) => seq)));
        },
      ),
    );
  });
});
