import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../../ports/message-store.ts';
import { lockSchema } from './schema.ts';
import type { Session } from './session.ts';
import { int } from './sql.ts';

/** What an export or import asks the world for. */
export interface AloneParts {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Told once that a lease is waited for, with when it ends. */
  readonly onWait: (untilMs: number) => void;
}

const lockWaitSeconds = 5;
const lookEveryMs = 500;
/** No lease lasts longer; one that does is the work of another clock. */
const waitAtMostMs = 120_000;
const timeoutMs = 30_000;

/**
 * Makes sure that no server uses the database, and keeps them from opening it until the session ends. A server that has
 * ended leaves its worker lease behind for half a minute: that is waited for; one that runs renews its lease. Rejects
 * with a StoreError `unavailable` that says who is in the way.
 */
export async function haveAlone(session: Session, parts: AloneParts): Promise<void> {
  // Its connection may be idle while another one reads for a day.
  await session.query('SET SESSION wait_timeout = 2000000', timeoutMs);
  await lockSchema(session, lockWaitSeconds);
  const beganAtMs = parts.nowMs();
  const first = await liveLeases(session, beganAtMs);
  if (first.size === 0) return;
  parts.onWait(Math.max(...first.values()));
  for (let live = first; live.size > 0; live = await liveLeases(session, parts.nowMs())) {
    for (const [worker, untilMs] of live) {
      if (untilMs === first.get(worker)) continue;
      throw new StoreError(
        'unavailable',
        `a server uses this database (it renews the lease of worker number ${worker}): stop it first`,
      );
    }
    if (parts.nowMs() - beganAtMs > waitAtMostMs)
      throw new StoreError(
        'unavailable',
        `a worker lease is reserved until ${new Date(Math.max(...live.values())).toISOString()}: is this clock right?`,
      );
    await sleep(lookEveryMs);
  }
}

/** Rejects where a server has taken a lease after all: on Galera the lock holds on one server only. */
export async function assertStillAlone(session: Session, nowMs: number): Promise<void> {
  if ((await liveLeases(session, nowMs)).size > 0)
    throw new StoreError(
      'unavailable',
      'a server has begun to use the database meanwhile: stop it, and begin anew',
    );
}

/** Worker numbers that are held at `nowMs`, and until when. */
async function liveLeases(session: Session, nowMs: number): Promise<ReadonlyMap<number, number>> {
  const [found] = await session.query(
    `SELECT worker, reserved_until FROM worker_lease WHERE holder <> X'' AND reserved_until > ${int(nowMs)}`,
    timeoutMs,
  );
  return new Map((found?.rows ?? []).map(([worker, untilMs]) => [Number(worker), Number(untilMs)]));
}
