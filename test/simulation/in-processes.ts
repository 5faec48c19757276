import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SimFinding } from './sim-findings.ts';

export interface BadSchedule {
  readonly seed: number;
  readonly findings: readonly SimFinding[];
}

export interface Totals {
  readonly schedules: number;
  readonly bad: number;
  readonly events: number;
  readonly entries: number;
  readonly simulatedMs: number;
}

export interface RangeOfSeeds {
  readonly from: number;
  readonly count: number;
  readonly mutant?: string | undefined;
  /** End with the first schedule in which something is found. */
  readonly first?: boolean;
}

const script = join(import.meta.dirname, 'run-schedules.ts');

/** Runs schedules in a process of their own. Rejects where that fails; what it found so far was told. */
export async function runInProcess(range: RangeOfSeeds, found: (bad: BadSchedule) => void): Promise<Totals> {
  const { from, count, mutant, first } = range;
  const args = ['--max-semi-space-size=32', script, '--from', String(from), '--count', String(count)];
  if (mutant !== undefined) args.push('--mutant', mutant);
  if (first) args.push('--first');
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  let totals: Totals | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const told = JSON.parse(line) as BadSchedule | Totals;
    if ('seed' in told) found(told);
    else totals = told;
  }
  const code = await ended;
  if (totals === undefined) throw new Error(`the schedules from ${from} ended with ${code}`);
  return totals;
}

/** Seeds in parts, as many at once as there are jobs, until all are run. */
export async function runSeeds(
  { from, count: all, mutant }: RangeOfSeeds,
  { jobs, part }: { readonly jobs: number; readonly part: number },
  { found, progress }: { found: (bad: BadSchedule) => void; progress: (totals: Totals) => void },
): Promise<Totals> {
  const until = from + all;
  let next = from;
  let sum: Totals = { schedules: 0, bad: 0, events: 0, entries: 0, simulatedMs: 0 };
  const work = async (): Promise<void> => {
    while (next < until) {
      const begin = next;
      next = Math.min(next + part, until);
      const count = next - begin;
      const totals = await runInProcess({ from: begin, count, mutant }, found);
      sum = plus(sum, totals);
      progress(sum);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return sum;
}

function plus(one: Totals, other: Totals): Totals {
  return {
    schedules: one.schedules + other.schedules,
    bad: one.bad + other.bad,
    events: one.events + other.events,
    entries: one.entries + other.entries,
    simulatedMs: one.simulatedMs + other.simulatedMs,
  };
}
