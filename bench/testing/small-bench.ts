import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../run.ts', import.meta.url));

/** A benchmark in small: it shows that everything works, and measures nothing. */
export async function bench(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [main, '--quick', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { code, output };
}

/** Declares a test of a load: it passes, and a single delivery that is thrown away fails it. */
export function passesAndFails(...load: readonly string[]): void {
  test(`${load.join(' ')}: passes, and fails when one delivery is thrown away`, async () => {
    const whole = await bench(...load);
    assert.equal(whole.code, 0, whole.output);
    const short = await bench(...load, '--drop-one');
    assert.equal(short.code, 1, short.output);
    assert.match(short.output, /FAILED: .* broke a promise:\n {2}(lost|outOfOrder)/);
  });
}
