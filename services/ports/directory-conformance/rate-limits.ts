import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../../test/e2e/support/until.ts';
import { awkwardIds, type OpenDirectory } from './fixture.ts';

/** One in a quarter of an hour: nothing comes back during a test. */
const scarce = { name: 'scarce', perSecond: 1 / 900, burst: 5 };

export function rateLimitPromises(open: OpenDirectory): void {
  describe('rate limits', () => {
    it('give the burst, and no more, to all nodes together', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      const waits = await Promise.all(
        Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? directory : other).rates.take(scarce, 'ada')),
      );
      assert.equal(waits.filter((wait) => wait === 0).length, 5);
    });

    it('say how long to wait', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      for (let i = 0; i < scarce.burst; i++) assert.equal(await directory.rates.take(scarce, 'ada'), 0);
      const wait = await directory.rates.take(scarce, 'ada');
      assert.ok(wait > 600_000 && wait <= 900_000, `${wait}`);
    });

    it('give what was said after the wait', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      const quick = { name: 'quick', perSecond: 2, burst: 1 };
      assert.equal(await directory.rates.take(quick, 'ada'), 0);
      const wait = await directory.rates.take(quick, 'ada');
      assert.ok(wait > 0 && wait <= 500, `${wait}`);
      await until(
        async () => (await directory.rates.take(quick, 'ada')) === 0,
        () => 'nothing came back',
      );
    });

    it('keep keys and names apart', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      const single = { name: 'single', perSecond: 1 / 900, burst: 1 };
      for (const key of awkwardIds) {
        assert.equal(await directory.rates.take(single, key), 0);
        assert.equal(await directory.rates.take({ ...single, name: 'double' }, key), 0);
        assert.notEqual(await directory.rates.take(single, key), 0);
      }
    });
  });
}
