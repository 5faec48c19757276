import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import {
  deadLettersConformance,
  type DeadLettersFixture,
  sampleLetter,
} from '../../ports/dead-letters.conformance.ts';
import { failsWith } from '../../ports/message-store-conformance/samples.ts';
import { MySqlDeadLetters } from './mysql-dead-letters.ts';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

/** A database with a store in it, which makes the tables. */
async function tables(): Promise<string> {
  const schema = await database.schema();
  await using _store = await database.open(schema);
  return schema;
}

const open = (schema: string, limit: number) =>
  MySqlDeadLetters.open({ config: database.config(schema), requireDurable: true, limit });

deadLettersConformance('a table of MySQL', async (limit): Promise<DeadLettersFixture> => {
  const schema = await tables();
  let letters = await open(schema, limit);
  return {
    get letters() {
      return letters;
    },
    async reopen() {
      await letters.close();
      letters = await open(schema, limit);
    },
    async [Symbol.asyncDispose]() {
      await letters.close();
    },
  };
});

describe('dead letters on MySQL', () => {
  it('are listed however many there are, and however long the reason was', async () => {
    const letters = await open(await tables(), 1_000);
    try {
      for (let no = 0; no < 130; no += 1)
        await letters.add(sampleLetter(no, { occurredAtMs: 7, id: `msg_${String(no).padStart(3, '0')}` }));
      const listed = await letters.list(10_000);
      assert.deepEqual(
        listed.map(({ firstSeq }) => firstSeq),
        Array.from({ length: 130 }, (_, no) => no),
      );
      await letters.add(sampleLetter(999, { reason: '🙂'.repeat(5_000) }));
      assert.match((await letters.list(10_000)).at(-1)?.reason ?? '', /^🙂{500,}$/u);
    } finally {
      await letters.close();
    }
  });

  it('are kept up to the limit where several processes have too many go at once', async () => {
    const schema = await tables();
    const limit = 60;
    const stores = await Promise.all(Array.from({ length: 4 }, () => open(schema, limit)));
    try {
      const all = Array.from({ length: 800 }, (_, no) =>
        sampleLetter(no, { id: `msg_${String(no).padStart(3, '0')}` }),
      );
      await Promise.all(
        stores.flatMap((store, at) =>
          all.filter((_, no) => no % stores.length === at).map((letter) => store.add(letter)),
        ),
      );
      const left = (await stores[0]?.list(10_000)) ?? [];
      assert.ok(left.length >= limit && left.length < limit + stores.length * 50, `${left.length} are left`);
      assert.deepEqual(left.slice(-limit), all.slice(-limit));
      const dropped = stores.reduce((sum, store) => sum + store.dropped, 0);
      assert.equal(dropped, all.length - left.length);
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  });

  it('are not where there is no store', async () => {
    await assert.rejects(open(await database.schema(), 10), failsWith('unavailable'));
  });
});
