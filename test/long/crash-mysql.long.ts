import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { CrashRun, inFlightThatCounts, type Kill, users, type Verdict } from '../crash/crash-run.ts';
import { MariaDb } from '../engines/mariadb.ts';

/**
 * The crash suite on a real database: the server is killed in the middle of traffic, and so is the database under it.
 * See test/checker for what is held against them.
 */

const rounds = process.env.CI ? 3 : 8;
const random = (from: number, to: number): number => from + Math.floor(Math.random() * (to - from));

function tell(t: TestContext, what: string, { inFlight, sendsPerSecond }: Kill): void {
  t.diagnostic(`${what}: ${inFlight} sends under way, ${sendsPerSecond} a second before`);
}

function assertKept(t: TestContext, verdict: Verdict): void {
  t.diagnostic(
    `${verdict.entries} entries, ${verdict.acknowledged} acknowledgements, ${verdict.changes} members removed and back`,
  );
  assert.deepEqual(verdict.findings, []);
  assert.match(verdict.check, /all is well/);
}

/** A database of its own, which may be killed, and a server on it. */
async function onDatabase() {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await MariaDb.start());
  const connection = await database.connect();
  await connection.query('CREATE DATABASE parley');
  await connection.end();
  const run = stack.use(
    await CrashRun.create({ PARLEY_MYSQL_URL: `mysql://root@127.0.0.1:${database.port}/parley` }),
  );
  const owned = stack.move();
  return { database, run, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

test(`on MySQL, killed ${rounds} times at random moments`, async (t) => {
  await using on = await onDatabase();
  const { run } = on;
  let counted = 0;
  for (let round = 1; counted < rounds; round++) {
    assert.ok(round <= rounds * 2, 'too many rounds had too little under way');
    await run.load();
    const kill = await run.killAfter(random(100, 1500));
    if (kill.inFlight >= inFlightThatCounts) counted += 1;
    tell(t, `round ${round}`, kill);
    await run.start();
  }
  assertKept(t, await run.verdict());
});

test('on MySQL, killed at each failpoint', async (t) => {
  await using on = await onDatabase();
  const { run } = on;
  for (const name of ['beforeCommit', 'afterCommit', 'beforeFanout', 'afterRegister'] as const) {
    await run.load();
    await run.killAfter(0);
    const registers = name === 'afterRegister';
    const nth = registers ? users + 1 : random(120, 220);
    await run.start({ PARLEY_FAILPOINTS: `${name}=crash@${nth}` });
    await run.load();
    const kill = await run.diesByItself(registers ? () => run.knock() : undefined);
    tell(t, `${name}, hit ${nth}`, kill);
    assert.ok(kill.inFlight >= inFlightThatCounts, `${kill.inFlight} sends were under way at ${name}`);
    await run.start();
  }
  assertKept(t, await run.verdict());
});

test('MariaDB killed under load, and back: the server goes on by itself', async (t) => {
  await using on = await onDatabase();
  const { run, database } = on;
  for (let round = 1; round <= rounds; round++) {
    await run.load();
    await run.goesOn(random(200, 1_000));
    const { inFlight } = run.traffic;
    t.diagnostic(`round ${round}: ${inFlight} sends under way`);
    assert.ok(inFlight >= inFlightThatCounts);
    await database.kill();
    await database.restart();
    await run.goesOn(300);
  }
  assertKept(t, await run.verdict());
});

test('MariaDB frozen under load, the server killed meanwhile', async (t) => {
  await using on = await onDatabase();
  const { run, database } = on;
  for (let round = 1; round <= 3; round++) {
    await run.load();
    await run.goesOn(random(200, 600));
    // Commits are in its hands, and carried out when it thaws: by then their owner is dead.
    database.freeze();
    tell(t, `round ${round}`, await run.killNow());
    database.thaw();
    await run.start();
  }
  assertKept(t, await run.verdict());
});
