import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import type { UserId } from '../../core/ids.ts';
import type { NewDevice } from '../../ports/devices.ts';
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

it('a lease is renewed whatever users have written meanwhile', async () => {
  const schema = await database.schema();
  await using store = await database.open(schema);
  await using admin = await database.admin(schema);
  const { worker } = await store.leaseWorker('holder', 1_000, 2_000);
  await store.devices.register(device(0), 1);
  // Whoever writes devices waits for this lock.
  await admin.ask('START TRANSACTION;SELECT COUNT(*) FROM device FOR UPDATE');
  const written = Array.from({ length: 400 }, (_, no) => store.devices.register(device(no), 2));
  const settled = Promise.allSettled(written);
  assert.deepEqual(await store.leaseWorker('holder', 3_000, 4_000), { worker, reservedUntilMs: 4_000 });
  await admin.ask('ROLLBACK');
  const refused = (await settled).filter(({ status }) => status === 'rejected');
  assert.ok(refused.length > 0, 'none of them found the queue full');
});

const device = (no: number): NewDevice => ({
  userId: 'ada' as UserId,
  deviceId: `device ${no}`,
  platform: 'android',
  name: '',
  target: { t: 'fcm', token: `token ${no}` },
});
