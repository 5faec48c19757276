import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

it('a database that was put back does not give the same numbers out again in the same order', async () => {
  const schema = await database.schema();
  await using store = await database.open(schema);
  await using admin = await database.admin(schema);
  const given = new Set<number>();
  for (let no = 0; no < 4; no += 1) {
    given.add((await store.leaseWorker(`holder ${no}`, 1_000, 2_000)).worker);
    // As it was before anybody came; whoever held the number draws ids by it until they next renew.
    await admin.ask("UPDATE worker_lease SET holder = X'', reserved_until = 0");
  }
  assert.ok(given.size > 1, `it gave ${[...given]} each time`);
});
