import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mutated } from './mutate.ts';
import { simMutants } from './mutants.ts';
import { runSchedule } from './schedule.ts';

/** A few here, so that whoever changes a rule hears of it at once; thousands are in `test/long/simulation.long.ts`. */
const schedules = 60;

describe('a simulated cluster', () => {
  it(`I1–I5: keeps its promises in schedules 1 to ${schedules}`, async () => {
    for (let seed = 1; seed <= schedules; seed += 1) {
      const { findings } = await runSchedule(seed);
      assert.deepEqual(findings, [], `npm run simulate -- --seed ${seed} --trace`);
    }
  });

  it('does the same again with the same seed', async () => {
    const [one, other]: [string[], string[]] = [[], []];
    const first = await runSchedule(7, (line) => one.push(line));
    const second = await runSchedule(7, (line) => other.push(line));
    assert.deepEqual(first, second);
    assert.ok(one.length > 100, 'something happens');
    assert.deepEqual(one, other);
  });

  it('does something else with another seed', async () => {
    const [one, other] = [await runSchedule(8), await runSchedule(9)];
    assert.notEqual(one.events, other.events);
  });
});

describe('the mutants of the simulation', () => {
  for (const mutant of simMutants)
    it(`${mutant.invariant} ${mutant.name}: what it breaks is in the code, in one place`, () => {
      assert.ok(mutated(mutant).includes(mutant.to));
    });

  it('have names of their own', () => {
    assert.equal(new Set(simMutants.map(({ name }) => name)).size, simMutants.length);
  });
});
