import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bench, passesAndFails } from './testing/small-bench.ts';

for (const target of ['relay', 'parley']) passesAndFails('private', '--only', target);

test('an unknown scenario is refused by name', async () => {
  const { code, output } = await bench('everything');
  assert.equal(code, 1);
  assert.match(output, /name scenarios, out of: private, cluster, capacity, group500/);
});
