import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { failpointNames } from '../../services/core/failpoint.ts';
import { CrashRun, inFlightThatCounts, type Kill, users, type Verdict } from '../crash/crash-run.ts';

/**
 * The real process, killed in the middle of traffic by all doors: nothing acknowledged is lost, nothing is there twice,
 * everybody has the same log in the end. See test/checker for what that means in full.
 */

const rounds = process.env.CI ? 5 : 20;
const triesAtMost = 5;
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

test(`killed ${rounds} times at random moments`, async (t) => {
  await using run = await CrashRun.create();
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

test('killed at each failpoint', async (t) => {
  await using run = await CrashRun.create();
  for (const name of failpointNames) {
    // Everybody signs in once: the next one to sign in is the one at whom a session's failpoint acts.
    const registers = name === 'afterRegister';
    let counts = false;
    // One that dies before everybody is back says little: the next one dies later.
    for (let tries = 1; !counts && tries <= triesAtMost; tries += 1) {
      await run.load();
      await run.killAfter(0);
      const nth = registers ? users + 1 : tries * random(40, 140);
      await run.start({ PARLEY_FAILPOINTS: `${name}=crash@${nth}` });
      await run.load();
      const kill = await run.diesByItself(registers ? () => run.knock() : undefined);
      tell(t, `${name}, hit ${nth}`, kill);
      counts = kill.inFlight >= inFlightThatCounts;
      await run.start();
    }
    assert.ok(counts, `too few sends were under way at ${name}`);
  }
  assertKept(t, await run.verdict());
});

test('killed while each failpoint dawdles', async (t) => {
  await using run = await CrashRun.create();
  for (const name of failpointNames) {
    await run.load();
    await run.killAfter(0);
    await run.start({ PARLEY_FAILPOINTS: `${name}=delay:40` });
    await run.load();
    tell(t, name, await run.killAfter(random(200, 600)));
    await run.start();
  }
  assertKept(t, await run.verdict());
});

test('the store’s failpoints fail as a disk does, and it is killed after', async (t) => {
  await using run = await CrashRun.create();
  for (const name of ['beforeCommit', 'midBatch', 'afterCommit'] as const) {
    await run.load();
    await run.killAfter(0);
    await run.start({ PARLEY_FAILPOINTS: `${name}=error@${random(20, 60)}` });
    await run.load();
    tell(t, name, await run.killAfter(random(800, 1500)));
    await run.start();
  }
  assertKept(t, await run.verdict());
});
