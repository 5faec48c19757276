import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../test/engines/free-port.ts';
import { InstalledPackage } from '../test/deploy/support/installed-package.ts';

/**
 * How long the package takes from the start of its process to the first message that it accepts: durable, answered, into a
 * conversation that this send makes. `npm run start-time [-- RUNS]`.
 */

const runs = Number(process.argv[2] ?? 10);
const askAgainMs = 2;

await using installed = await InstalledPackage.install();
for (const [what, warm] of [
  ['the first start after installing', false],
  ['a later start', true],
] as const) {
  const starts: Start[] = [];
  for (let run = 0; run < runs; run += 1) starts.push(await startOnce(warm));
  const took = spread(starts.map(({ tookMs }) => tookMs));
  const cpu = spread(starts.map(({ cpuMs }) => cpuMs));
  process.stdout.write(`${what}: ${took} ms, of which it computed ${cpu} ms (${runs} runs)\n`);
}

/** What somebody waited for, and what of it does not depend on what else the machine does. */
interface Start {
  readonly tookMs: number;
  readonly cpuMs: number;
}

function spread(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((one, other) => one - other).map(Math.round);
  return `${sorted[Math.floor(sorted.length / 2)]} (${sorted[0]} to ${sorted.at(-1)})`;
}

async function startOnce(warm: boolean): Promise<Start> {
  const cache = join(installed.directory, 'node_modules', 'parley', '.compile-cache');
  if (!warm) await rm(cache, { recursive: true, force: true });
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-start-'));
  const port = await freePort();
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, [installed.program, 'start'], {
    cwd: installed.directory,
    env: {
      ...installed.env,
      PARLEY_MODE: 'development',
      PARLEY_DATA_DIR: dataDir,
      PARLEY_HTTP_PORT: String(port),
      PARLEY_WS_PORT: '0',
      PARLEY_GRPC_PORT: '0',
      PARLEY_METRICS_PORT: '0',
    },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  while (!(await accepts(port))) await pause(askAgainMs);
  const tookMs = performance.now() - startedAtMs;
  const cpuMs = await computed(child.pid as number);
  child.kill('SIGTERM');
  await ended;
  await rm(dataDir, { recursive: true });
  return { tookMs, cpuMs };
}

/** Milliseconds of processor time of all its threads, as Linux counts them: in hundredths of a second. */
async function computed(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function accepts(port: number): Promise<boolean> {
  try {
    const { status } = await fetch(`http://127.0.0.1:${port}/api/v1/messages/send?user_id=ann`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'first', connection: 'close' },
      body: JSON.stringify({ to: 'bob', content: 'the first one' }),
    });
    return status === 200;
  } catch {
    return false;
  }
}
