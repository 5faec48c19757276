import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { CrashRun, inFlightThatCounts } from '../crash/crash-run.ts';
import { Metrics } from '../input/support/metrics.ts';

/**
 * Restore under traffic: a backup is taken while everybody sends, all go on sending, the store is lost, and comes back as
 * the backup has it. See test/checker/restored.ts for what that must mean.
 */

const rounds = process.env.CI ? 1 : 3;
/** So slow that the backup is taken in the middle of thousands of sends. */
const slowly = { PARLEY_BACKUP_BYTES_PER_S: '400000' };

for (let round = 1; round <= rounds; round += 1)
  test(`the embedded store, round ${round}`, async (t) => {
    await using run = await CrashRun.create(slowly);
    await run.load();
    await run.goesOn(3_000);
    const backups = path.join(run.dataDir, '..', 'backups');
    const [sure, before] = [run.mark(), run.traffic.sent];
    const began = performance.now();
    const [file] = (await run.parley('backup', backups, '--keep', '3')).split('  ');
    assert.ok(file !== undefined);
    const seconds = (performance.now() - began) / 1_000;
    const during = run.traffic.sent - before;
    t.diagnostic(`${during} sends in the ${seconds.toFixed(1)} s in which the backup was taken`);
    assert.ok(during > 500, 'traffic went on meanwhile');
    const metrics = await Metrics.read(run.server.ports.metrics);
    assert.equal(metrics.of('chat_backups_total{result="kept"}'), 1);
    await run.goesOn(1_000);
    const { inFlight } = await run.killAfter(200);
    t.diagnostic(`${inFlight} sends under way when the store was lost`);
    assert.ok(inFlight >= inFlightThatCounts);
    await rm(path.join(run.dataDir, 'store'), { recursive: true });
    run.traffic.restored();
    t.diagnostic((await run.parley('restore', file)).trim());
    await run.start();
    await run.load();
    await run.goesOn(1_000);
    const verdict = await run.verdict({ sure });
    t.diagnostic(`${JSON.stringify(verdict.restored)} acknowledged entries, ${verdict.entries} in the end`);
    assert.deepEqual(verdict.findings, []);
    assert.match(verdict.check, /all is well/);
    assert.ok(verdict.restored !== undefined && verdict.restored.kept > 500 && verdict.restored.lost > 500);
  });
