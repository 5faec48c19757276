import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { describe, it } from 'node:test';
import { type BadSchedule, runInProcess, runSeeds } from '../simulation/in-processes.ts';
import { simMutants } from '../simulation/mutants.ts';

const schedules = 5_000;
const part = 250;
/** In which a mutant must be noticed; a good half of them are within the first ten. */
const forMutants = 2_000;

describe('simulated schedules', () => {
  it(`I1–I5: nothing is found in ${schedules}`, async () => {
    const bad: BadSchedule[] = [];
    const totals = await runSeeds(
      { from: 1, count: schedules },
      { jobs: availableParallelism(), part },
      { found: (found) => void bad.push(found), progress: () => {} },
    );
    assert.deepEqual(bad, [], 'npm run simulate -- --seed SEED --trace');
    assert.equal(totals.schedules, schedules);
  });

  for (const { name, invariant, how } of simMutants.filter(({ byName }) => byName === undefined))
    it(`${invariant}: notice that ${how}`, async () => {
      const bad: BadSchedule[] = [];
      await runInProcess({ from: 1, count: forMutants, mutant: name, first: true }, (found) =>
        bad.push(found),
      );
      assert.ok(bad.length > 0, `${name} survives ${forMutants} schedules`);
    });
});
