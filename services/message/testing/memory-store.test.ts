import { describe } from 'node:test';
import { commitPromises } from '../../ports/message-store-conformance/commits.ts';
import { cursorPromises } from '../../ports/message-store-conformance/cursors.ts';
import type { StoreFixture } from '../../ports/message-store-conformance/fixture.ts';
import { leasePromises } from '../../ports/message-store-conformance/leases.ts';
import { memberPromises } from '../../ports/message-store-conformance/members.ts';
import { modelPromises } from '../../ports/message-store-conformance/model.ts';
import { projectionPromises } from '../../ports/message-store-conformance/projections.ts';
import { readPromises } from '../../ports/message-store-conformance/reads.ts';
import { outboxConformance } from '../../ports/outbox.conformance.ts';
import { MemoryStore } from './memory-store.ts';

/** What is opened again is a store on the same rows. Nothing is sealed in memory: those promises are for engines. */
async function open(): Promise<StoreFixture> {
  let store = new MemoryStore();
  return {
    get store() {
      return store;
    },
    reopen: async () => {
      await store.close();
      store = store.reopened();
    },
    holds: async () => false,
    exchangeBodies: async () => {
      throw new Error('nothing is sealed in memory');
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}

describe('the store for simulations keeps the promises of MessageStore', () => {
  commitPromises(open);
  projectionPromises(open);
  readPromises(open);
  memberPromises(open);
  cursorPromises(open);
  leasePromises(open);
  modelPromises(open);
});

outboxConformance('the store for simulations', async () => {
  const store = new MemoryStore();
  return {
    as: async (incarnation) => store.reopened({ incarnation: () => incarnation }),
    [Symbol.asyncDispose]: () => store.close(),
  };
});
