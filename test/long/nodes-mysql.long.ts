import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { storeVariable } from '../helpers/temp-store.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** One semantics (I10): what nodes do on the embedded store they do on MariaDB. */
test('the tests of nodes pass on MariaDB', { timeout: 1_200_000 }, (t) => {
  const files = globSync('test/nodes/*.test.ts', { cwd: root });
  assert.ok(files.length > 10);
  const args = ['--test', '--test-global-setup=test/engines/global-setup.ts', '--test-concurrency=2'];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, [...args, '--test-timeout=300000', ...files], {
    cwd: root,
    env: { ...env, [storeVariable]: 'mysql' },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  t.diagnostic(/^ℹ pass \d+$/m.exec(stdout)?.[0] ?? 'nothing passed');
  assert.equal(status, 0, stdout.slice(-20_000));
});
