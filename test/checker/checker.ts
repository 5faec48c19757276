import { acknowledgedIsStored } from './acknowledged.ts';
import { contentIsWhatWasSent } from './content.ts';
import { cursorsOnlyGrow } from './cursors.ts';
import { Findings } from './finding.ts';
import { gapless } from './gapless.ts';
import { indexEvidence } from './indexed.ts';
import type { Evidence } from './log.ts';
import { oneOrder, sendersOrder } from './order.ts';
import { nothingRepeated } from './repeats.ts';
import { rulesHold } from './rights.ts';
import { sameLogForAll } from './same-log.ts';

const rules = [
  acknowledgedIsStored,
  contentIsWhatWasSent,
  nothingRepeated,
  gapless,
  oneOrder,
  sendersOrder,
  sameLogForAll,
  cursorsOnlyGrow,
  rulesHold,
];

/**
 * Compares what all clients did and saw with what the store has in the end, and finds every promise that was broken.
 * Pure: the same for simulated runs and for real processes.
 */
export function check(evidence: Evidence): Findings {
  const findings = new Findings();
  const indexed = indexEvidence(evidence);
  for (const rule of rules) rule(indexed, findings);
  return findings;
}
