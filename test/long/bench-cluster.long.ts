import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The bench of a cluster starts seven processes and two engines: too much beside other tests. */
const main = fileURLToPath(new URL('../../bench/run.ts', import.meta.url));

async function bench(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [main, 'cluster', '--quick', '--only', 'cluster', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { code, output };
}

test('the bench of a cluster passes, and fails when one delivery is thrown away', async () => {
  const whole = await bench();
  assert.equal(whole.code, 0, whole.output);
  const short = await bench('--drop-one');
  assert.equal(short.code, 1, short.output);
  assert.match(short.output, /FAILED: .* broke a promise:\n {2}(lost|outOfOrder)/);
});
