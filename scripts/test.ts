import { spawnSync } from 'node:child_process';
import { cachingCompiled } from './compile-cache.ts';
import { endOfFile, root, toolEnv } from './paths.ts';

/** Runs the tests: all of them, or those in the files named (`npm test -- services/codec/*.test.ts`). */

const everything = ['services', 'bridge', 'sdk', 'test', 'scripts', 'bench'].map(
  (dir) => `${dir}/**/*.test.ts`,
);
/** What files share: MariaDB, Redis and Kafka, each started when the first file asks for it. */
const engines = '--test-global-setup=test/engines/global-setup.ts';
const named = process.argv.slice(2);
const { status } = spawnSync(
  process.execPath,
  [
    '--test',
    engines,
    endOfFile,
    '--test-concurrency=2',
    // For a file, too: the slowest takes half a minute on a quiet machine, and ten times that where all else is slow.
    '--test-timeout=900000',
    ...(named.length > 0 ? named : everything),
  ],
  { cwd: root, env: cachingCompiled(toolEnv), stdio: ['ignore', 'inherit', 'inherit'] },
);
process.exitCode = status ?? 1;
