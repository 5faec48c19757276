import { runSchedule } from './schedule.ts';
const [from = '1', count = '1', trace = ''] = process.argv.slice(2);
const start = performance.now();
let events = 0,
  sim = 0,
  entries = 0,
  bad = 0;
for (let seed = Number(from); seed < Number(from) + Number(count); seed += 1) {
  const result = await runSchedule(seed, trace === '' ? undefined : (line) => console.log(line));
  events += result.events;
  sim += result.simulatedMs;
  entries += result.entries;
  if (result.findings.length > 0) {
    bad += 1;
    console.log(`seed ${seed}`);
    for (const f of result.findings.slice(0, 6)) console.log('   ', f.rule, f.what);
  }
}
const ms = performance.now() - start;
console.log({
  bad,
  ms,
  perSchedule: ms / Number(count),
  events: events / Number(count),
  sim: sim / Number(count),
  entries: entries / Number(count),
});
