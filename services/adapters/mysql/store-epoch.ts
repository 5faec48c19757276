import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../../ports/message-store.ts';
import type { Database } from './database.ts';
import { failureOf, refusal } from './failure.ts';
import { lastSeq } from './rows.ts';
import type { Session } from './session.ts';
import { big, bytes, int, text } from './sql.ts';
import type { ServerTraits } from './traits.ts';

const repeatsAtOnce = 20;
const pauseMs = 40;
const timeoutMs = 60_000;
const cursorsAtOnce = 1_000;
const outboxRowsAtOnce = 1_000;

/** See `MessageStore.readEpoch`. */
export async function readEpoch(database: Database): Promise<string> {
  const [found] = await database.read('SELECT epoch FROM store_epoch', true);
  const [row] = found?.rows ?? [];
  if (row === undefined)
    throw new StoreError('unavailable', 'the database has no epoch: is it being restored?');
  return String(row[0]);
}

/** See `MessageStore.renewEpoch`. On a session of its own, so that what it sets goes with it. */
export async function renewEpoch(database: Database, from: string): Promise<string> {
  try {
    const session = await database.openSession('schema');
    try {
      const epoch = await renewed(session, from, database.traits);
      if (epoch !== from) await moveOutbox(session, from, epoch);
      await cutCursors(session);
      return epoch;
    } finally {
      session.end();
    }
  } catch (error) {
    throw refusal(error);
  }
}

/**
 * Commits that are under way hold the row of the epoch; this waits for them, and those that come later find another one.
 * One row in a statement that commits by itself: on Galera whatever another node commits meanwhile undoes it, so it is
 * to be short, and the server repeats it at once.
 */
async function renewed(session: Session, from: string, { galera }: ServerTraits): Promise<string> {
  const epoch = randomBytes(16).toString('hex');
  await session.query(
    `SET SESSION foreign_key_checks = 0${galera ? `, wsrep_retry_autocommit = ${repeatsAtOnce}` : ''}`,
    timeoutMs,
  );
  const results = await untilUndisturbed(() =>
    session.query(
      [
        `UPDATE store_epoch SET epoch = ${text(epoch)} WHERE epoch = ${text(from)}`,
        'SELECT epoch FROM store_epoch',
      ].join(';'),
      timeoutMs,
    ),
  );
  return String(results[1]?.rows[0]?.[0]);
}

/**
 * What the outbox tells of is published all the same, so its rows go along. They are as many as wait to be published,
 * too many for one statement beside others' commits; no more come, and who repeats a renewal that was cut off moves the rest.
 */
async function moveOutbox(session: Session, from: string, to: string): Promise<void> {
  for (let moved = outboxRowsAtOnce; moved === outboxRowsAtOnce; ) {
    const [result] = await untilUndisturbed(() =>
      session.query(
        `UPDATE outbox SET epoch = ${text(to)} WHERE epoch = ${text(from)} LIMIT ${outboxRowsAtOnce}`,
        timeoutMs,
      ),
    );
    moved = result?.changed ?? 0;
  }
}

async function untilUndisturbed<T>(ask: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (failureOf(error) !== 'contended' || performance.now() >= endMs) throw error;
      await sleep(pauseMs * Math.random());
    }
  }
}

/** Cursors beyond their logs' heads end at the heads: what they counted is gone. */
async function cutCursors(session: Session): Promise<void> {
  for (let behind = 'TRUE'; ; ) {
    const [found] = await session.query(
      `SELECT r.conv_no, r.user_id, r.delivered_seq, r.read_seq, r.read_ord, h.seq, h.ord
        FROM (SELECT c.*, ${lastSeq('c')} AS last_seq FROM conversation_cursor c WHERE ${behind}
          ORDER BY c.conv_no, c.user_id LIMIT ${cursorsAtOnce}) r
        LEFT JOIN message h FORCE INDEX (PRIMARY) ON h.conv_no = r.conv_no AND h.seq = r.last_seq
        ORDER BY r.conv_no, r.user_id`,
      timeoutMs,
    );
    const rows = found?.rows ?? [];
    const cuts = rows.flatMap(([no, user, delivered, read, readOrd, headSeq, headOrd]) => {
      const seq = Number(headSeq ?? 0);
      if (Math.max(Number(delivered), Number(read)) <= seq) return [];
      const ord = Number(read) > seq ? Number(headOrd ?? 0) : Number(readOrd);
      return [
        `UPDATE conversation_cursor SET delivered_seq = LEAST(delivered_seq, ${int(seq)}),
          read_ord = ${int(ord)}, read_seq = LEAST(read_seq, ${int(seq)})
          WHERE conv_no = ${String(no)} AND user_id = ${bytes(user as Buffer)}`,
      ];
    });
    if (cuts.length > 0) await untilUndisturbed(() => session.query(cuts.join(';'), timeoutMs));
    const last = rows.at(-1);
    if (last === undefined || rows.length < cursorsAtOnce) return;
    const no = big(BigInt(last[0] as string));
    behind = `c.conv_no > ${no} OR (c.conv_no = ${no} AND c.user_id > ${bytes(last[1] as Buffer)})`;
  }
}
