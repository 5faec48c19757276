import assert from 'node:assert/strict';
import { test } from 'node:test';
import { traceDurability } from '../crash/durability-run.ts';

/** Acknowledged means synced: proven by the system calls, since a killed process loses nothing of the page cache. */

const acknowledgements = 3000;

test('each acknowledgement comes after the sync that covers its entry', async (t) => {
  const { paired, unpaired } = await traceDurability(acknowledgements);
  t.diagnostic(`${paired} acknowledgements paired with their syncs`);
  assert.deepEqual(unpaired, []);
  assert.ok(paired >= acknowledgements);
});

test('a server that does not sync is found out', async () => {
  const { paired, unpaired } = await traceDurability(200, { PARLEY_TEST_NO_SYNC: 'true' });
  assert.ok(unpaired.length > paired, `${unpaired.length} of ${paired + unpaired.length} were found out`);
});
