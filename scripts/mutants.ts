import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { type Mutant, mutants } from '../test/mutants.ts';
import { root, toolEnv } from './paths.ts';

/**
 * Breaks each invariant on purpose, on a copy of the checkout, and shows which tests notice: `node scripts/mutants.ts`
 * for all, with words for those whose name has one of them (`node scripts/mutants.ts I4`). Fails when one is not noticed,
 * or when the code that it breaks is no longer there.
 */

const leftOut = new Set(['.git', 'node_modules', 'data', 'dist']);
const shownTests = 8;

const words = process.argv.slice(2);
const wanted = mutants.filter(
  ({ invariant, how }) => words.length === 0 || words.some((word) => `${invariant} ${how}`.includes(word)),
);
const copy = await mkdtemp(join(tmpdir(), 'parley-mutants-'));
let survivors = 0;
try {
  await cp(root, copy, {
    recursive: true,
    filter: (source) => !leftOut.has(relative(root, source).split(sep)[0] ?? ''),
  });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const mutant of wanted) if (!(await isNoticed(mutant))) survivors += 1;
} finally {
  await rm(copy, { recursive: true, force: true });
}
process.stdout.write(`${wanted.length - survivors} of ${wanted.length} were noticed\n`);
process.exitCode = survivors === 0 ? 0 : 1;

async function isNoticed({ invariant, how, file, from, to, tests }: Mutant): Promise<boolean> {
  const path = join(copy, file);
  const sound = await readFile(path, 'utf8');
  if (!sound.includes(from)) {
    process.stdout.write(`${invariant} ${how}: ${file} has changed, this mutant has to be written anew\n`);
    return false;
  }
  await writeFile(
    path,
    sound.replace(from, () => to),
  );
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--test', '--test-concurrency=2', '--test-timeout=60000', '--test-reporter=tap', ...tests],
    { cwd: copy, env: toolEnv, encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  await writeFile(path, sound);
  const failed = failedTests(stdout);
  process.stdout.write(
    `${invariant} ${how}: ${status === 0 ? 'NOT NOTICED' : `noticed by ${failed.length}`}\n`,
  );
  for (const test of failed.slice(0, shownTests)) process.stdout.write(`    ${test}\n`);
  return status !== 0;
}

/** Names of the tests that failed, the innermost ones. */
function failedTests(tap: string): string[] {
  const lines = tap.split('\n');
  const failed = lines.flatMap((line) => {
    const match = /^( *)not ok \d+ - (.*)$/.exec(line);
    return match === null ? [] : [{ depth: (match[1] as string).length, name: match[2] as string }];
  });
  // A suite is told after its tests: one that fails only because of them is deeper before it.
  return failed.filter(({ depth }, at) => (failed[at - 1]?.depth ?? 0) <= depth).map(({ name }) => name);
}
