import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Rule } from '../checker/finding.ts';
import { type FaultRun, inFlightThatCounts, pause, type Round, type Verdict } from './fault-run.ts';

/** Where CI is set, faults last no longer than they must to be faults. */
export const short = Boolean(process.env.CI);

/** A wait of which its story is told. */
const longWaitMs = 1_000;

export { pause };

/** Reports a round; one that met too little traffic fails. */
export function told(t: TestContext, { inFlight, sendsPerSecond, worstAckMs, worstStory }: Round): void {
  t.diagnostic(
    `${inFlight} sends under way, ${sendsPerSecond} a second before; longest wait for an acknowledgement ${worstAckMs} ms`,
  );
  if (worstAckMs >= longWaitMs) t.diagnostic(worstStory);
  assert.ok(inFlight >= inFlightThatCounts, `${inFlight} sends were under way`);
}

/** Lets everybody finish and reports what the checker found, which must be nothing but what is `excused`, by rule. */
export async function verdict(
  t: TestContext,
  run: FaultRun,
  excused: readonly Rule[] = [],
): Promise<Verdict> {
  const found = await run.verdict();
  t.diagnostic(
    `${found.entries} entries, ${found.acknowledged} acknowledgements, ${run.traffic.changes} members removed and back`,
  );
  // The names of sends in what was found: what their clients remember of them tells how it came.
  for (const { what } of found.findings)
    for (const [, clientId = '', user = ''] of what.matchAll(/\b((user-\d+)-\d+)\b/g))
      t.diagnostic(run.traffic.clients.find((client) => client.user === user)?.storyOf(clientId) ?? clientId);
  assert.deepEqual(
    found.findings.filter(({ rule }) => !excused.includes(rule)),
    [],
  );
  return found;
}
