import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ConvNo, MsgId } from '../../core/ids.ts';
import { Database } from './database.ts';
import { table, tableRange } from './keys.ts';
import { findPlace, type Place, Places } from './places.ts';
import { Reserve } from './reserve.ts';
import { StoreDirectory } from './testing/store-directory.ts';

async function openDatabase() {
  const directory = await StoreDirectory.make();
  const database = await Database.open({
    directory: path.join(directory.path, 'leveldb'),
    reserve: new Reserve(path.join(directory.path, 'reserve'), 4_096),
    cacheBytes: 1 << 20,
    createIfMissing: true,
    onEvent: () => {},
  });
  return {
    database,
    async put(places: Places, msgIds: readonly MsgId[]): Promise<void> {
      const batch = database.level.batch();
      places.put(batch, msgIds.map(placeOf));
      await batch.write();
    },
    rows: async (of: 'msgId' | 'places') => (await database.level.keys(tableRange(table[of])).all()).length,
    [Symbol.asyncDispose]: async () => {
      await database.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** A place that nobody else has. */
const placeOf = (msgId: MsgId): Place => ({ msgId, convNo: (msgId * 7n) as ConvNo, seq: Number(msgId) + 1 });

describe('places', () => {
  it('have one row a commit whose ids follow those before, also after a restart', async () => {
    await using it = await openDatabase();
    await it.put(await Places.begin(it.database), [3n, 5n, 9n]);
    const again = await Places.begin(it.database);
    await it.put(again, [10n, 11n]);
    await it.put(again, [8n, 12n]);
    assert.deepEqual([await it.rows('places'), await it.rows('msgId')], [2, 2]);
  });

  it('are found whatever the order in which ids came, and only those that came', async () => {
    const commits = fc.array(
      fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 }),
      {
        maxLength: 8,
      },
    );
    await fc.assert(
      fc.asyncProperty(commits, fc.boolean(), async (drawn, reopens) => {
        await using it = await openDatabase();
        let places = await Places.begin(it.database);
        const known = new Set<bigint>();
        for (const ids of drawn) {
          const fresh = ids.map(BigInt).filter((id) => !known.has(id));
          await it.put(places, fresh);
          for (const id of fresh) known.add(id);
          if (reopens) places = await Places.begin(it.database);
        }
        for (let id = 0n; id <= 61n; id += 1n)
          assert.deepEqual(await findPlace(it.database.level, id), known.has(id) ? placeOf(id) : undefined);
      }),
      { numRuns: 50 },
    );
  });
});
