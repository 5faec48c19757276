import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runSeeds } from '../test/simulation/in-processes.ts';
import { root, toolEnv } from './paths.ts';

/**
 * Simulated schedules: `npm run simulate -- --schedules 100000 --seed 1`, as many at once as there are cores or `--jobs`.
 * Prints the seed of each schedule in which something is found, and fails then. `--trace` replays one seed and tells of
 * all that happens; `--mutant NAME` breaks production code on purpose (`test/simulation/mutants.ts`).
 */
const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    mutant: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});
const part = 250;
const shownFindings = 5;

if (values.trace) {
  const script = join(root, 'test/simulation/run-schedules.ts');
  const args = [script, '--from', values.seed, '--trace'];
  if (values.mutant !== undefined) args.push('--mutant', values.mutant);
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit', env: toolEnv }).status ?? 1;
} else {
  const startedAtMs = performance.now();
  const seconds = (): number => (performance.now() - startedAtMs) / 1_000;
  const totals = await runSeeds(
    { from: whole('seed'), count: whole('schedules'), mutant: values.mutant },
    { jobs: whole('jobs'), part },
    {
      found: ({ seed, findings }) => {
        process.stdout.write(`seed ${seed}: npm run simulate -- --seed ${seed} --trace\n`);
        for (const { rule, what } of findings.slice(0, shownFindings))
          process.stdout.write(`    ${rule}: ${what}\n`);
      },
      progress: ({ schedules, bad }) => {
        if (schedules % 5_000 < part)
          process.stdout.write(`${schedules} schedules, ${bad} bad, ${seconds().toFixed(0)} s\n`);
      },
    },
  );
  const { schedules, bad, events, entries, simulatedMs } = totals;
  const aMinute = Math.round((schedules / seconds()) * 60);
  process.stdout.write(
    `${schedules} schedules of ${Math.round(events / schedules)} events, ${Math.round(entries / schedules)} entries and ` +
      `${(simulatedMs / schedules / 1_000).toFixed(1)} s each: ${bad} bad; ${seconds().toFixed(0)} s, ${aMinute} a minute\n`,
  );
  process.exitCode = bad === 0 ? 0 : 1;
}

function whole(name: 'schedules' | 'seed' | 'jobs'): number {
  const number = Number(values[name]);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new RangeError(`--${name} is a whole number from 1, not ${values[name]}`);
}
