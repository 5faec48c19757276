import { describe } from 'node:test';
import type { OpenDirectory } from './directory-conformance/fixture.ts';
import { nodeLeasePromises } from './directory-conformance/node-leases.ts';
import { pageCachePromises } from './directory-conformance/page-cache.ts';
import { rateLimitPromises } from './directory-conformance/rate-limits.ts';
import { revocationPromises } from './directory-conformance/revocations.ts';
import { sessionPromises } from './directory-conformance/sessions.ts';

/** Every promise of Directory, as tests. Each adapter runs them against its real engine. */
export function directoryConformance(name: string, open: OpenDirectory): void {
  describe(`${name} keeps the promises of Directory`, () => {
    nodeLeasePromises(open);
    sessionPromises(open);
    revocationPromises(open);
    rateLimitPromises(open);
    pageCachePromises(open);
  });
}
