import { parseArgs } from 'node:util';
import { mutantNamed, mutate } from './mutate.ts';

/**
 * Runs schedules in this process: `run-schedules.ts --from SEED --count N`. Each line of its output is JSON: one for
 * each schedule in which something was found, and at last one with the totals. `--mutant NAME` breaks production code on
 * purpose; `--first` ends with the first finding; `--trace` tells of everything that happens.
 */
const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
    mutant: { type: 'string' },
    first: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
  },
});
if (values.mutant !== undefined) mutate(mutantNamed(values.mutant));
const { runSchedule } = await import('./schedule.ts');

const from = Number(values.from);
const until = from + Number(values.count);
const totals = { schedules: 0, bad: 0, events: 0, entries: 0, simulatedMs: 0 };
const tell = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
for (let seed = from; seed < until; seed += 1) {
  const tracing = values.trace ? (line: string) => void process.stdout.write(`${line}\n`) : undefined;
  const { findings, events, entries, simulatedMs } = await runSchedule(seed, tracing);
  totals.schedules += 1;
  totals.events += events;
  totals.entries += entries;
  totals.simulatedMs += simulatedMs;
  if (findings.length === 0) continue;
  totals.bad += 1;
  tell({ seed, findings });
  if (values.first) break;
}
tell(totals);
