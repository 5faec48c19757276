import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  auditLogConformance,
  type AuditLogFixture,
  sampleRecord,
} from '../../ports/audit-log.conformance.ts';
import type { EmbeddedStore } from './embedded-store.ts';
import { StoreDirectory } from './testing/store-directory.ts';

auditLogConformance('the embedded store', async (): Promise<AuditLogFixture> => {
  const directory = await StoreDirectory.make();
  let store: EmbeddedStore = await directory.open();
  return {
    get audit() {
      return store.audit;
    },
    async reopen() {
      await store.close();
      store = await directory.open();
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      await directory[Symbol.asyncDispose]();
    },
  };
});

describe('the embedded store', () => {
  it('tells who has which worker number, and is sound with an audit log in it', async () => {
    await using directory = await StoreDirectory.make();
    await using store = await directory.open();
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
    await store.audit.write('acts', [sampleRecord(1_000)]);
    assert.deepEqual((await store.check()).problems, []);
  });
});
