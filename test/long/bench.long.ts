import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bench, passesAndFails } from '../../bench/testing/small-bench.ts';

/** The benchmarks that `bench/run.test.ts` leaves out, in small. That of a cluster starts seven processes and two engines. */

passesAndFails('private', '--grpc', '--only', 'parley');
for (const target of ['relay', 'parley']) passesAndFails('group500', '--only', target);
passesAndFails('cluster', '--only', 'cluster');

test('history, idle, reconnect, endurance, presence and telemetry run in small', async () => {
  const { code, output } = await bench(
    'history',
    'idle',
    'reconnect',
    'endurance',
    'presence',
    'telemetry',
    '--only',
    'parley',
  );
  assert.equal(code, 0, output);
});
