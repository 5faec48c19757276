import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { auditLogConformance, type AuditLogFixture } from '../../ports/audit-log.conformance.ts';
import type { MySqlStore } from './mysql-store.ts';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

auditLogConformance('the store on MySQL', async (): Promise<AuditLogFixture> => {
  const schema = await database.schema();
  let store: MySqlStore = await database.open(schema);
  return {
    get audit() {
      return store.audit;
    },
    async reopen() {
      await store.close();
      store = await database.open(schema);
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
});

describe('the store on MySQL', () => {
  it('tells who has which worker number', async () => {
    await using store = await database.open(await database.schema());
    assert.deepEqual(await store.workers.list(), []);
    const given = [
      ['first', 2_000],
      ['second', 3_000],
    ] as const;
    for (const [holder, untilMs] of given) await store.leaseWorker(holder, 1_000, untilMs);
    const held = await store.workers.list();
    assert.ok(held.every(({ worker }, at) => at === 0 || worker > (held[at - 1]?.worker ?? -1)));
    assert.deepEqual(
      new Map(held.map(({ holder, reservedUntilMs }) => [holder, reservedUntilMs])),
      new Map(given),
    );
  });
});
