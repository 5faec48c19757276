import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test, type TestContext } from 'node:test';
import { until } from '../crash/until.ts';
import { parley } from '../e2e/support/server-process.ts';
import { FaultCluster } from '../faults/fault-cluster.ts';
import { FaultRun, inFlightWanted } from '../faults/fault-run.ts';

/**
 * The crash suite on a cluster: a node dies, hangs or dawdles at each failpoint, in the middle of traffic by all doors of
 * both edges. The other message node takes over what was its own; see test/checker for what is held against them. Of the
 * failpoints, `midBatch` is the embedded store's alone: to MySQL a batch goes as one transaction.
 */

const points = ['beforeCommit', 'afterCommit', 'beforeFanout'] as const;
const messageNodes = ['m1', 'm2'] as const;
const patienceMs = 60_000;
/** Longer than anybody waits for a node that hangs: by then others own what was its own. */
const frozenMs = 5_000;
const looksKept = 8;
/** A round with less under way when it happens says little, and is made again. */
const triesAtMost = 3;
const random = (from: number, to: number): number => from + Math.floor(Math.random() * (to - from));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const stack = new AsyncDisposableStack();
let cluster: FaultCluster;
let run: FaultRun;

before(async () => {
  cluster = stack.use(await FaultCluster.start());
  run = stack.use(await FaultRun.create(cluster));
});
after(() => stack.disposeAsync());

/** Starts a node again, with a failpoint in it. */
async function armed(name: string, failpoint: string): Promise<void> {
  await cluster.get(name).kill();
  await cluster.get(name).start({ PARLEY_FAILPOINTS: failpoint });
}

/** Waits until something has happened to a node, and resolves with the sends that were under way by then. */
async function inFlightWhen(happened: () => boolean, meanwhile: () => void = () => {}): Promise<number> {
  // Connections break a moment before it is known here: the highest of the last looks is how it was before.
  const looks: number[] = [];
  await until(
    () => {
      meanwhile();
      looks.push(run.traffic.inFlight);
      return happened();
    },
    patienceMs,
    () => `it does not happen; ${run.traffic.inFlight} sends are under way`,
  );
  return Math.max(...looks.slice(-looksKept));
}

/**
 * Makes something happen to a node, by `fault`, which resolves with the sends under way at that moment, and waits until
 * every client is served again without it; then it is started anew.
 */
async function round(t: TestContext, name: string, fault: () => Promise<number>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    let inFlight = 0;
    const { sendsPerSecond, worstAckMs } = await run.round(async () => {
      inFlight = await fault();
    });
    t.diagnostic(
      `${inFlight} sends under way, ${sendsPerSecond} a second before; longest wait for an acknowledgement ${worstAckMs} ms`,
    );
    if (cluster.get(name).running) await cluster.get(name).kill();
    await cluster.get(name).start();
    if (inFlight >= inFlightWanted) return;
    assert.ok(tries < triesAtMost, `${inFlight} sends were under way`);
  }
}

describe('a cluster on MySQL under load', () => {
  for (const name of messageNodes)
    for (const point of points)
      test(`${name} dies at ${point}, and the other one takes over`, (t) =>
        round(t, name, async () => {
          await armed(name, `${point}=crash@${random(40, 140)}`);
          return inFlightWhen(() => !cluster.get(name).running);
        }));

  for (const point of points)
    test(`m1 hangs at ${point}, and goes on when the other one has taken over`, (t) =>
      round(t, 'm1', async () => {
        await armed('m1', `${point}=freeze@${random(40, 140)}`);
        const inFlight = await inFlightWhen(() => stopped(cluster.get('m1').pid));
        await pause(frozenMs);
        // What was in its hands it finds taken.
        cluster.get('m1').thaw();
        return inFlight;
      }));

  for (const point of points)
    test(`m2 is killed while ${point} dawdles`, (t) =>
      round(t, 'm2', async () => {
        await armed('m2', `${point}=delay:40`);
        const goal = run.traffic.sent + random(300, 900);
        const inFlight = await inFlightWhen(() => run.traffic.sent >= goal);
        await cluster.get('m2').kill();
        return inFlight;
      }));

  for (const point of ['beforeCommit', 'afterCommit'] as const)
    test(`${point} fails as a database that is gone does, and m1 is killed after`, (t) =>
      round(t, 'm1', async () => {
        await armed('m1', `${point}=error@${random(20, 60)}`);
        const goal = run.traffic.sent + random(1_000, 2_000);
        const inFlight = await inFlightWhen(() => run.traffic.sent >= goal);
        await cluster.get('m1').kill();
        return inFlight;
      }));

  test('an edge dies at afterRegister, and its clients go to the other one', (t) =>
    round(t, 'e1', async () => {
      // Half of the clients sign in, all by this edge or by the bridge of the other one.
      await armed('e1', 'afterRegister=crash@60');
      return inFlightWhen(
        () => !cluster.get('e1').running,
        () => run.traffic.knock(),
      );
    }));

  test('kept all its promises', async (t) => {
    const { findings, entries, acknowledged } = await run.verdict();
    t.diagnostic(
      `${entries} entries, ${acknowledged} acknowledgements, ${run.traffic.changes} members removed and back`,
    );
    assert.deepEqual(findings, []);
    for (const one of [...cluster.cluster.processes.values()].reverse()) await one.drain();
    assert.match(await parley(['check'], cluster.cluster.env), /all is well/);
  });
});

/** Whether a process stands still by SIGSTOP. */
function stopped(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
}
