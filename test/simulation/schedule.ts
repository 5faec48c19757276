import { Dice } from './dice.ts';
import type { SimFinding } from './sim-findings.ts';
import { simulateTimers } from './timers.ts';
import { settled, tailReached } from './settled.ts';
import { judge } from './verdict.ts';
import { type Climate, latestMs } from './weather.ts';
import { World } from './world.ts';
import { Troubles } from './troubles.ts';
import { Traffic } from './traffic.ts';

export interface ScheduleResult {
  readonly seed: number;
  readonly findings: readonly SimFinding[];
  readonly events: number;
  readonly simulatedMs: number;
  readonly entries: number;
  /** Entries that were lost because the store was restored. */
  readonly lost: number;
}

/**
 * One schedule: nodes, clients and what goes wrong, all drawn from the seed; then everything is mended, and whoever was
 * promised something must have it.
 */
export async function runSchedule(seed: number, tracing?: (line: string) => void): Promise<ScheduleResult> {
  const dice = new Dice(seed);
  const world = new World({
    seed: dice.below(2 ** 31),
    climate: drawClimate(dice),
    owners: 2 + dice.below(2),
    edges: 2,
    groups: 1 + dice.below(2),
    // Each frame comes by itself, and anything may happen between two sessions that an edge names.
    messageBytes: seed % 3 === 0 ? 1 : undefined,
    tracing,
  });
  const { scheduler, findings } = world;
  using _timers = simulateTimers(scheduler);
  const traffic = new Traffic(world, new Dice(dice.below(2 ** 31)));
  const troubles = new Troubles(world, new Dice(dice.below(2 ** 31)));
  await traffic.begin();
  const steps = 30 + dice.below(50);
  for (let step = 0; step < steps; step += 1) {
    traffic.step();
    troubles.step();
    await scheduler.run(dice.oneIn(8) ? dice.between(100, 900) : dice.between(0.2, 60));
  }
  troubles.end();
  // What is written late, by whoever is dead by now, lands before the last word is spoken.
  await scheduler.run(latestMs);
  await settled(world);
  if (findings.all.length === 0) await tailReached(world);
  traffic.last();
  await settled(world);
  if (findings.all.length === 0) await tailReached(world);
  judge(world, traffic.directs);
  for (const client of world.clients) client.actor.alive = false;
  return {
    seed,
    findings: findings.all,
    events: scheduler.events,
    simulatedMs: scheduler.nowMs,
    lost: world.lost.lost,
    entries: world.rows.convIds().reduce((sum, convId) => sum + world.rows.log(convId).length, 0),
  };
}

function drawClimate(dice: Dice): Climate {
  const some = (times: number): number => (dice.oneIn(2) ? times : 0);
  return {
    slowAnswers: some(8),
    failedReads: some(25),
    failedCommits: some(10),
    slowFrames: some(15),
  };
}
