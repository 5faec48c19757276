import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { failsWith } from '../../ports/message-store-conformance/samples.ts';
import { LateError, LostError } from './failure.ts';
import { SessionPool } from './pool.ts';
import { serverOf } from './server.ts';
import { Session } from './session.ts';
import { TestDatabase } from './testing/database.ts';
import { Trust } from './trust.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

function pool(fields: { readonly size: number; readonly waitingAtMost: number; readonly waitMs?: number }) {
  const opened: Session[] = [];
  const made = new SessionPool({
    waitMs: 60_000,
    trust: new Trust(),
    ...fields,
    open: async () => {
      const session = await Session.open(serverOf(database.config('mysql')), 10_000);
      opened.push(session);
      return session;
    },
  });
  return { made, opened };
}

const idOf = async (session: Session) =>
  (await session.query('SELECT CONNECTION_ID()', 10_000))[0]?.rows[0]?.[0];

describe('a pool of sessions', () => {
  it('opens no more than it may, and lends them again', async () => {
    const { made, opened } = pool({ size: 3, waitingAtMost: 100 });
    const ids = await Promise.all(Array.from({ length: 30 }, () => made.run(idOf)));
    assert.equal(opened.length, 3);
    assert.equal(new Set(ids).size, 3);
    await made.close();
  });

  it('refuses what finds its queue full (I6), and lets what is urgent go first', async () => {
    const { made } = pool({ size: 1, waitingAtMost: 2 });
    const gate = Promise.withResolvers<void>();
    const done: string[] = [];
    const task = (name: string) => async () => void done.push(name);
    const running = made.run(() => gate.promise);
    const [first, urgent] = [made.run(task('first')), made.run(task('urgent'), true)];
    await assert.rejects(made.run(task('late')), failsWith('unavailable'));
    assert.deepEqual([made.overloads, made.waiting, made.running], [1, 2, 1]);
    gate.resolve();
    await Promise.all([running, first, urgent]);
    assert.deepEqual(done, ['urgent', 'first']);
    await made.close();
  });

  it('refuses what has waited too long', async () => {
    const { made } = pool({ size: 1, waitingAtMost: 2, waitMs: 1 });
    const gate = Promise.withResolvers<void>();
    const running = made.run(() => gate.promise);
    await assert.rejects(made.run(idOf), failsWith('unavailable'));
    assert.equal(made.waiting, 0);
    gate.resolve();
    await running;
    await made.close();
  });

  it('opens another session where one is lost', async () => {
    const { made, opened } = pool({ size: 1, waitingAtMost: 2 });
    await assert.rejects(made.run((session) => session.query('SELECT 1;KILL CONNECTION_ID()', 10_000)));
    assert.ok(await made.run(idOf));
    opened.at(-1)?.destroy();
    assert.ok(await made.run(idOf));
    assert.equal(opened.length, 3);
    await made.close();
  });

  it('finishes what runs when it is closed, and refuses the rest', async () => {
    const { made, opened } = pool({ size: 1, waitingAtMost: 2 });
    const gate = Promise.withResolvers<void>();
    const running = made.run(async (session) => (await gate.promise, idOf(session)));
    const waiting = assert.rejects(made.run(idOf), failsWith('unavailable'));
    const closed = made.close();
    await waiting;
    await assert.rejects(made.run(idOf), failsWith('unavailable'));
    gate.resolve();
    assert.ok(await running);
    await closed;
    assert.deepEqual(
      opened.map(({ usable }) => usable),
      [false],
    );
    await made.close();
  });
});

describe('a session', () => {
  it('gives up an answer that takes too long, and itself', async () => {
    const session = await Session.open(serverOf(database.config('mysql')), 10_000);
    await assert.rejects(session.query('SELECT SLEEP(60)', 20), LateError);
    assert.equal(session.usable, false);
    await assert.rejects(session.query('SELECT 1', 10_000), LostError);
  });

  it('tells how many statements of a packet had succeeded', async () => {
    const session = await Session.open(serverOf(database.config('mysql')), 10_000);
    await assert.rejects(session.query('SELECT 1;DO 1;SELECT * FROM nowhere;DO 1', 10_000), {
      errno: 1146,
      succeeded: 2,
    });
    const results = await session.query("SELECT 'a', 18446744073709551615;DO 1;SELECT X'00ff'", 10_000);
    assert.deepEqual(
      results.map(({ rows }) => rows),
      [[['a', '18446744073709551615']], [], [[Buffer.of(0, 255)]]],
    );
    session.end();
  });
});
