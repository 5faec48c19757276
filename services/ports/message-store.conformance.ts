import { describe } from 'node:test';
import { commitPromises } from './message-store-conformance/commits.ts';
import { cursorPromises } from './message-store-conformance/cursors.ts';
import type { OpenStore } from './message-store-conformance/fixture.ts';
import { epochPromises } from './message-store-conformance/epochs.ts';
import { leasePromises } from './message-store-conformance/leases.ts';
import { memberPromises } from './message-store-conformance/members.ts';
import { modelPromises } from './message-store-conformance/model.ts';
import { projectionPromises } from './message-store-conformance/projections.ts';
import { readPromises } from './message-store-conformance/reads.ts';
import { sealingPromises } from './message-store-conformance/sealing.ts';

/** Every promise of MessageStore, as tests. Each adapter runs them against its real engine. */
export function messageStoreConformance(name: string, open: OpenStore): void {
  describe(`${name} keeps the promises of MessageStore`, () => {
    commitPromises(open);
    projectionPromises(open);
    readPromises(open);
    memberPromises(open);
    cursorPromises(open);
    leasePromises(open);
    epochPromises(open);
    sealingPromises(open);
    modelPromises(open);
  });
}
