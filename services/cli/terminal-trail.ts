import { hostname } from 'node:os';
import { ArchiveError } from '../archive/archive-error.ts';
import { AuditTrail } from '../admin/audit-trail.ts';
import { systemClock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import { silentLogger } from '../core/log.ts';
import type { MasterKey } from '../core/seal.ts';
import type { Config } from '../options.ts';
import type { Act } from '../peer/administration.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import { openByHand } from './open-by-hand.ts';
import { terminalName } from './terminal-name.ts';

/** Carries out an act with an open store, and has it recorded there. Rejects with the act's own error, or a Fault. */
export async function actByHand<T>(audit: AuditLog, act: Act, carryOut: () => Promise<T>): Promise<T> {
  const trail = new AuditTrail({ audit, nodeId: hostname(), clock: systemClock, log: silentLogger });
  try {
    return await trail.act({ name: terminalName(), remoteAddress: '' }, act, carryOut);
  } finally {
    await trail.stop();
  }
}

/**
 * Records what was done to a store as a whole, in that store: tell what came of it first. Rejects with an ArchiveError,
 * which says that it was done all the same.
 */
export async function recordByHand(
  config: Pick<Config, 'core' | 'mysql'>,
  masterKeys: readonly MasterKey[],
  act: Act,
): Promise<void> {
  try {
    const store = await openByHand(config, masterKeys);
    try {
      await actByHand(store.audit, act, async () => {});
    } finally {
      await store.close();
    }
  } catch (error) {
    const cause = error instanceof Fault ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ArchiveError(`it is done, but could not be recorded in the audit log: ${why}`, error);
  }
}
