import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, toolEnv } from './paths.ts';

/** Everything that is checked without running the product. All of it runs, whatever fails first. */

interface Check {
  readonly name: string;
  readonly commands: readonly (readonly string[])[];
}

/** A clone compares its contract with what main has; a checkout that nobody cloned has nothing to compare with. */
const upstream = 'refs/remotes/origin/main';
const againstUpstream = ['buf', 'breaking', '--against', `.git#ref=${upstream}`];
function hasUpstream(): boolean {
  return run(['git', 'rev-parse', '--verify', '--quiet', upstream]) === undefined;
}

const fresh = mkdtempSync(join(tmpdir(), 'parley-gen-'));
const checks: readonly Check[] = [
  { name: 'types', commands: [['tsc', '--noEmit', '-p', '.']] },
  { name: 'lint', commands: [['oxlint', '--deny-warnings', '--format=unix']] },
  { name: 'format', commands: [['biome', 'format', '.']] },
  { name: 'dead code', commands: [['knip', '--no-progress']] },
  { name: 'contract', commands: [['buf', 'lint'], ...(hasUpstream() ? [againstUpstream] : [])] },
  {
    name: 'generated code is current',
    commands: [
      ['buf', 'generate', '--output', fresh],
      ['diff', '--recursive', '--brief', 'gen', join(fresh, 'gen')],
    ],
  },
];

let failed = 0;
for (const { name, commands } of checks) {
  const startedAtMs = performance.now();
  const failure = commands.map(run).find((output) => output !== undefined);
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  process.stdout.write(`${failure === undefined ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
  if (failure === undefined) continue;
  failed += 1;
  process.stdout.write(`${failure}\n`);
}
rmSync(fresh, { recursive: true });
process.exitCode = failed === 0 ? 0 : 1;

/** What a command that failed had to say. */
function run(command: readonly string[]): string | undefined {
  const [program, ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(program!, args, {
    cwd: root,
    env: { ...toolEnv, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return status === 0 ? undefined : `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`;
}
