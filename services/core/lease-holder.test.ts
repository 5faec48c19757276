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

  it('takes another name when others have seen it lapse, whose clocks were not set back', async () => {
    const store = new FakeStore();
    const clock = {
      setBackMs: 0,
      ms: 0,
      wallMs: () => startMs + clock.ms - clock.setBackMs,
      monotonicMs: () => clock.ms,
    };
    // As a store does, which never shortens what it has granted.
    let reservedUntilMs = 0;
    const keeping = {
      leaseWorker: async (holder: string, nowMs: number, untilMs: number) => {
        if (store.asked.at(-1)?.holder !== holder) reservedUntilMs = 0;
        reservedUntilMs = Math.max(reservedUntilMs, untilMs);
        return { ...(await store.leaseWorker(holder, nowMs, untilMs)), reservedUntilMs };
      },
    };
    const incarnation = new Incarnation();
    const first = incarnation.name;
    const holder = await LeaseHolder.take({ store: keeping, clock, incarnation, leaseMs: 1_000 });
    clock.setBackMs = 600;
    clock.ms = 500;
    await holder.renew();
    assert.equal(reservedUntilMs, startMs + 1_000, 'it reaches no further than before');
    clock.ms = 800;
    await holder.renew();
    assert.equal(reservedUntilMs, startMs + 1_200);
    clock.ms = 1_150;
    await holder.renew();
    assert.equal(incarnation.name, first, 'it was renewed in time');
    store.failure = new Error('no database');
    clock.ms = 1_500;
    await holder.renew();
    store.failure = undefined;
    clock.ms = 1_600;
    assert.ok(clock.wallMs() < reservedUntilMs, 'by its own clock it still has it');
    await holder.renew();
    const second = incarnation.name;
    assert.notEqual(second, first);
    clock.ms = 2_500;
    await holder.renew();
    assert.equal(incarnation.name, second);
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
