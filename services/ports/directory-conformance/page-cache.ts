import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { until } from '../../../test/e2e/support/until.ts';
import type { ConvId } from '../../core/ids.ts';
import type { PageKey } from '../directory.ts';
import { awkwardIds, fixtureBytes, garden, type OpenDirectory } from './fixture.ts';

const key = (fields: Partial<PageKey> = {}): PageKey => ({
  epoch: 'first',
  convId: garden,
  page: 0,
  projectedSeq: 0,
  ...fields,
});
/** As it came from wherever, a buffer or an array. */
const plain = (pages: readonly (Uint8Array | undefined)[]) =>
  pages.map((page) => (page === undefined ? undefined : Buffer.from(page).toString('hex')));

export function pageCachePromises(open: OpenDirectory): void {
  describe('page cache', () => {
    it('gives every node back what one put, byte by byte', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const whole = randomBytes(1_000);
      // A view into something larger, too.
      const view = whole.subarray(100, 200);
      await directory.pages.put([
        { key: key(), rows: all },
        { key: key({ page: 1 }), rows: view },
        { key: key({ page: 2 }), rows: new Uint8Array(0) },
      ]);
      const found = await other.pages.get([2, 1, 0, 3].map((page) => key({ page })));
      assert.deepEqual(plain(found), plain([new Uint8Array(0), view, all, undefined]));
    });

    it('knows a page by epoch, conversation, number and what was projected', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      const keys = awkwardIds.flatMap((id) => [
        key({ convId: id as ConvId }),
        key({ convId: id as ConvId, page: 1 }),
        key({ convId: id as ConvId, epoch: id }),
        key({ convId: id as ConvId, projectedSeq: 2 ** 53 - 1 }),
      ]);
      const pages = keys.map((each, at) => ({ key: each, rows: Uint8Array.of(at) }));
      await directory.pages.put(pages);
      assert.deepEqual(plain(await directory.pages.get(keys)), plain(pages.map(({ rows }) => rows)));
      assert.deepEqual(await directory.pages.get([key({ projectedSeq: 5 })]), [undefined]);
    });

    it('takes the later of two under one name', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      await directory.pages.put([{ key: key(), rows: Uint8Array.of(1) }]);
      await directory.pages.put([{ key: key(), rows: Uint8Array.of(2) }]);
      assert.deepEqual(plain(await directory.pages.get([key()])), ['02']);
    });

    it('keeps no page that is too large', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      const { maxPageBytes } = directory.pages;
      assert.equal(maxPageBytes, fixtureBytes.pageBytes);
      await directory.pages.put([
        { key: key(), rows: new Uint8Array(maxPageBytes + 1) },
        { key: key({ page: 1 }), rows: new Uint8Array(maxPageBytes) },
      ]);
      const [large, right] = await directory.pages.get([key(), key({ page: 1 })]);
      assert.equal(large, undefined);
      assert.equal(right?.byteLength, maxPageBytes);
    });

    it('forgets pages after their time', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      await directory.pages.put([{ key: key(), rows: Uint8Array.of(1) }]);
      assert.deepEqual(plain(await directory.pages.get([key()])), ['01']);
      await until(
        async () => (await directory.pages.get([key()]))[0] === undefined,
        () => 'the page stays for ever',
      );
    });
  });
}
