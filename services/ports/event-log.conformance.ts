import { describe } from 'node:test';
import { consumePromises } from './event-log-conformance/consuming.ts';
import type { OpenEventLog } from './event-log-conformance/fixture.ts';
import { publishPromises } from './event-log-conformance/publishing.ts';
import { restartPromises } from './event-log-conformance/restarts.ts';

/** Every promise of EventLog, as tests. Each adapter runs them against its real engine. */
export function eventLogConformance(name: string, open: OpenEventLog): void {
  describe(`${name} keeps the promises of EventLog`, () => {
    publishPromises(open);
    consumePromises(open);
    restartPromises(open);
  });
}
