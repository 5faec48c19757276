import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Fault } from './fault.ts';
import { type HeldLease, idEpochMs, IdSource, idTimeMs } from './snowflake.ts';

const startMs = idEpochMs + 1_000_000;

function turnable(wallMs: number) {
  return { ms: wallMs, wallMs: () => clock.ms, monotonicMs: () => 0 };
}
let clock = turnable(startMs);

function source(lease: Partial<HeldLease> = {}): IdSource {
  clock = turnable(startMs);
  return new IdSource({ clock, lease: { worker: 7, reservedUntilMs: startMs + 60_000, ...lease } });
}

const refused = (error: unknown) => error instanceof Fault && error.reason === 'storeUnavailable';

describe('ids', () => {
  it('carry time, worker and sequence', () => {
    const ids = source();
    const [one, two] = [ids.next(), ids.next()];
    assert.equal(idTimeMs(one), startMs);
    assert.equal((one >> 12n) & 1023n, 7n);
    assert.equal(one & 4095n, 0n);
    assert.equal(two, one + 1n);
  });

  it('fit 63 bits at the end of their time', () => {
    clock = turnable(idEpochMs + 2 ** 41 - 1);
    const ids = new IdSource({ clock, lease: { worker: 1023, reservedUntilMs: Number.MAX_SAFE_INTEGER } });
    let last = 0n;
    for (let drawn = 0; drawn < 4096; drawn++) last = ids.next();
    assert.equal(last, 2n ** 63n - 1n);
    assert.throws(() => ids.next(), refused);
  });

  it('borrow from the next millisecond when one is used up', () => {
    const ids = source();
    for (let drawn = 0; drawn < 4096; drawn++) ids.next();
    assert.equal(idTimeMs(ids.next()), startMs + 1);
  });

  it('run on through a clock that was set back a little, and refuse when it was set back far', () => {
    const ids = source();
    const before = ids.next();
    clock.ms -= 900;
    assert.ok(ids.next() > before);
    clock.ms -= 60_000;
    assert.throws(() => ids.next(), refused);
    clock.ms = startMs + 1;
    assert.ok(ids.next() > before);
  });

  it('say when to come back after the clock was set back', () => {
    const ids = source();
    ids.next();
    clock.ms -= 2_500;
    try {
      ids.next();
      assert.fail('drew an id');
    } catch (error) {
      assert.ok(error instanceof Fault);
      assert.equal(error.retryAfterMs, 2_500);
    }
  });

  it('end with the reserved time, and go on when it is prolonged', () => {
    const ids = source({ reservedUntilMs: startMs + 10 });
    clock.ms = startMs + 9;
    ids.next();
    clock.ms = startMs + 10;
    assert.throws(() => ids.next(), refused);
    ids.renew({ worker: 7, reservedUntilMs: startMs + 20 });
    assert.equal(idTimeMs(ids.next()), startMs + 10);
  });

  it('do not run ahead of the clock past the reserved time', () => {
    const ids = source({ reservedUntilMs: startMs + 1 });
    for (let drawn = 0; drawn < 4096; drawn++) ids.next();
    assert.throws(() => ids.next(), refused);
  });

  it('carry no time from before the lease was taken', () => {
    clock = turnable(startMs - 500);
    const ids = new IdSource({
      clock,
      lease: { worker: 1, reservedUntilMs: startMs + 1_000 },
      fromMs: startMs,
    });
    assert.equal(idTimeMs(ids.next()), startMs);
  });

  it('refuse a clock from before their epoch', () => {
    clock = turnable(0);
    const ids = new IdSource({ clock, lease: { worker: 1, reservedUntilMs: startMs } });
    assert.throws(() => ids.next(), refused);
  });

  it('ascend and never repeat, whatever clock and lease do', () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ t: fc.constant('draw' as const), count: fc.integer({ min: 1, max: 5_000 }) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          t: fc.constant('turn' as const),
          ms: fc.integer({ min: -3_000, max: 3_000 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ t: fc.constant('renew' as const), worker: fc.nat(3) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const ids = source({ reservedUntilMs: startMs + 5_000 });
        let reservedUntilMs = startMs + 5_000;
        let last = 0n;
        for (const action of steps) {
          if (action.t === 'turn') clock.ms += action.ms;
          if (action.t === 'renew') {
            reservedUntilMs = Math.max(reservedUntilMs, clock.ms + 5_000);
            ids.renew({ worker: action.worker, reservedUntilMs });
          }
          if (action.t !== 'draw') continue;
          for (let drawn = 0; drawn < action.count; drawn++) {
            try {
              const id = ids.next();
              // Time first, so ascending means unrepeated; across workers only the time has to rise or stay.
              assert.ok(id >> 22n >= last >> 22n, 'time went back');
              assert.ok(id !== last && (id >> 12n !== last >> 12n || id > last), 'repeated');
              assert.ok(idTimeMs(id) < reservedUntilMs, 'past the reserved time');
              assert.ok(idTimeMs(id) <= clock.ms + 1_000, 'too far ahead');
              last = id;
            } catch (error) {
              if (!refused(error)) throw error;
            }
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('of two holders of one number, one after the other, never meet', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -2_000, max: 2_000 }), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: -5_000, max: 5_000 }),
        (turns, shift) => {
          const reservedUntilMs = startMs + 2_000;
          const first = source({ reservedUntilMs });
          const drawn = new Set<bigint>();
          const draw = (ids: IdSource) => {
            try {
              const id = ids.next();
              assert.ok(!drawn.has(id), `${id} drawn twice`);
              drawn.add(id);
            } catch (error) {
              if (!refused(error)) throw error;
            }
          };
          for (const ms of turns) {
            clock.ms += ms;
            draw(first);
          }
          // The store gives the number out again once the time it is asked at is past the reserved one.
          const fromMs = reservedUntilMs + 1;
          clock.ms = fromMs + shift;
          const second = new IdSource({
            clock,
            lease: { worker: 7, reservedUntilMs: fromMs + 5_000 },
            fromMs,
          });
          for (const ms of turns) {
            clock.ms += ms;
            draw(first);
            draw(second);
          }
        },
      ),
    );
  });
});
