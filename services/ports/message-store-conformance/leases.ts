import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OpenStore } from './fixture.ts';
import { failsWith } from './samples.ts';

export function leasePromises(open: OpenStore): void {
  describe('leaseWorker', () => {
    it('gives holders different numbers, and each its own again', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const one = await store.leaseWorker('one', 1_000, 2_000);
      const other = await store.leaseWorker('other', 1_000, 2_000);
      assert.notEqual(one.worker, other.worker);
      assert.deepEqual(await store.leaseWorker('one', 1_500, 2_500), { ...one, reservedUntilMs: 2_500 });
    });

    it('never takes a reserved time back', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const lease = await store.leaseWorker('one', 1_000, 5_000);
      assert.deepEqual(await store.leaseWorker('one', 1_000, 4_000), lease);
    });

    it('gives a number to another holder only past its reserved time, also after a restart', async () => {
      await using fixture = await open();
      const taken = new Map<number, string>();
      for (let at = 0; at < 1_024; at++) {
        const { worker } = await fixture.store.leaseWorker(`holder ${at}`, 1_000, 2_000 + at);
        assert.ok(worker >= 0 && worker < 1_024);
        taken.set(worker, `holder ${at}`);
      }
      assert.equal(taken.size, 1_024);
      await fixture.reopen();
      await assert.rejects(fixture.store.leaseWorker('late', 2_000, 9_000), failsWith('unavailable'));
      const { worker } = await fixture.store.leaseWorker('late', 2_001, 9_000);
      assert.equal(taken.get(worker), 'holder 0');
      // Its former holder has to take another one.
      const moved = await fixture.store.leaseWorker('holder 0', 2_002, 9_000);
      assert.notEqual(moved.worker, worker);
    });

    it('gives one number to one of many that ask at once', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const leases = await Promise.all(
        Array.from({ length: 20 }, (_, at) => store.leaseWorker(`holder ${at}`, 1_000, 2_000)),
      );
      assert.equal(new Set(leases.map(({ worker }) => worker)).size, 20);
    });
  });
}
