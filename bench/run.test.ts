import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('./run.ts', import.meta.url));

async function bench(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [main, '--quick', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { code, output };
}

const loads: readonly (readonly string[])[] = [
  ['private', '--only', 'relay'],
  ['group500', '--only', 'relay'],
  ['private', '--only', 'parley'],
  ['private', '--grpc', '--only', 'parley'],
  ['group500', '--only', 'parley'],
];

for (const load of loads) {
  test(`${load.join(' ')}: passes, and fails when one delivery is thrown away`, async () => {
    const whole = await bench(...load);
    assert.equal(whole.code, 0, whole.output);
    const short = await bench(...load, '--drop-one');
    assert.equal(short.code, 1, short.output);
    assert.match(short.output, /FAILED: .* broke a promise:\n {2}(lost|outOfOrder)/);
  });
}

test('history, idle, reconnect, endurance and presence run in small', async () => {
  const { code, output } = await bench(
    'history',
    'idle',
    'reconnect',
    'endurance',
    'presence',
    '--only',
    'parley',
  );
  assert.equal(code, 0, output);
});

test('an unknown scenario is refused by name', async () => {
  const { code, output } = await bench('everything');
  assert.equal(code, 1);
  assert.match(output, /name scenarios, out of: private, cluster, capacity, group500/);
});
