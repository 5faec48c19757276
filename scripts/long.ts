import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { cachingCompiled } from './compile-cache.ts';
import { endOfFile, root, toolEnv } from './paths.ts';

/** Runs the long suites one after the other: those in test/long and test/deploy, or those named. What is in test/deploy/whole has to be named. */

const named = process.argv.slice(2);
const suites = named.length > 0 ? named : globSync('test/{long,deploy}/*.long.ts', { cwd: root });
if (suites.length === 0) {
  process.stderr.write('long: there are no suites in test/long and test/deploy\n');
  process.exitCode = 1;
} else {
  const args = ['--test', endOfFile, '--test-concurrency=1', ...suites.sort()];
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    env: cachingCompiled(toolEnv),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  process.exitCode = status ?? 1;
}
