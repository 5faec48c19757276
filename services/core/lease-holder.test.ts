import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault } from './fault.ts';
import { Incarnation } from './incarnation.ts';
import { LeaseHolder, type LeaseStore } from './lease-holder.ts';
import { idEpochMs } from './snowflake.ts';

const startMs = idEpochMs + 1_000_000;

/** A store that grants what it is told to, and remembers what it was asked. */
class FakeStore implements LeaseStore {
  readonly asked: { holder: string; nowMs: number; untilMs: number }[] = [];
  worker = 3;
  failure: Error | undefined;

  async leaseWorker(holder: string, nowMs: number, untilMs: number) {
    this.asked.push({ holder, nowMs, untilMs });
    if (this.failure !== undefined) throw this.failure;
    return { worker: this.worker, reservedUntilMs: untilMs };
  }
}

function fixture() {
  const clock = { ms: startMs, wallMs: () => clock.ms, monotonicMs: () => 0 };
  return { clock, store: new FakeStore() };
}

describe('the holder of an id lease', () => {
  it('takes a number under a name that no other run has', async () => {
    const { clock, store } = fixture();
    const one = await LeaseHolder.take({ store, clock, leaseMs: 1_000 });
    await LeaseHolder.take({ store, clock, leaseMs: 1_000 });
    assert.deepEqual(store.asked[0], {
      holder: store.asked[0]?.holder,
      nowMs: startMs,
      untilMs: startMs + 1_000,
    });
    assert.notEqual(store.asked[0]?.holder, store.asked[1]?.holder);
    assert.equal((one.source.next() >> 12n) & 1023n, 3n);
  });

  it('prolongs it under the same name', async () => {
    const { clock, store } = fixture();
    const holder = await LeaseHolder.take({ store, clock, leaseMs: 1_000 });
    clock.ms += 1_000;
    await holder.renew();
    clock.ms += 900;
    holder.source.next();
    assert.equal(store.asked[1]?.holder, store.asked[0]?.holder);
  });

  it('takes one under another name when it has lapsed, and tells whoever has the name', async () => {
    const { clock, store } = fixture();
    const incarnation = new Incarnation();
    const first = incarnation.name;
    const holder = await LeaseHolder.take({ store, clock, incarnation, leaseMs: 1_000 });
    clock.ms += 1_500;
    assert.throws(() => holder.source.next(), Fault);
    await holder.renew();
    holder.source.next();
    assert.notEqual(incarnation.name, first);
    await holder.renew();
    assert.deepEqual(
      store.asked.map((asked) => asked.holder),
      [first, incarnation.name, incarnation.name],
    );
  });

  it('goes on with another number when its own was given away', async () => {
    const { clock, store } = fixture();
    const holder = await LeaseHolder.take({ store, clock, leaseMs: 1_000 });
    store.worker = 9;
    await holder.renew();
    assert.equal((holder.source.next() >> 12n) & 1023n, 9n);
  });

  it('tells of renewals that fail, and draws on until the lease ends', async () => {
    const { clock, store } = fixture();
    const failures: unknown[] = [];
    const holder = await LeaseHolder.take({
      store,
      clock,
      leaseMs: 1_000,
      onFailure: (error) => failures.push(error),
    });
    store.failure = new Error('no disk');
    await holder.renew();
    assert.deepEqual(failures, [store.failure]);
    assert.equal(holder.failures, 1);
    clock.ms += 999;
    holder.source.next();
    assert.equal(holder.leftMs, 1);
    clock.ms += 11;
    assert.equal(holder.leftMs, -10, 'it has lapsed');
    store.failure = undefined;
    await holder.renew();
    assert.deepEqual([holder.leftMs, holder.failures], [1_000, 1]);
  });

  it('renews by itself between start and stop', async () => {
    const { clock, store } = fixture();
    const renewed = Promise.withResolvers<void>();
    const holder = await LeaseHolder.take({ store, clock, leaseMs: 1_000, renewEveryMs: 1 });
    store.leaseWorker = async (_holder, _nowMs, untilMs) => {
      renewed.resolve();
      return { worker: 3, reservedUntilMs: untilMs };
    };
    await holder.start();
    // The holder's own timer lets a process end; this one waits for it.
    const awake = setInterval(() => {}, 1_000);
    await renewed.promise;
    clearInterval(awake);
    await holder.stop();
  });
});
