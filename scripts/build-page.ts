import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root, toolEnv } from './paths.ts';

/** Builds the web page to dist/web, if it is not there or older than what it is made of. */

const sources = ['bridge/web/**/*', 'sdk/*.ts', 'gen/**/*.ts', 'package-lock.json'];
const built = join(root, 'dist', 'web', 'index.html');

function newest(): number {
  const files = globSync(sources, { cwd: root, exclude: ['**/*.test.ts', '**/*.test.tsx'] });
  return Math.max(...files.map((file) => statSync(join(root, file)).mtimeMs));
}

if (!existsSync(built) || statSync(built).mtimeMs < newest()) {
  process.stdout.write('building the page\n');
  const args = ['build', '--config', 'bridge/web/vite.config.ts', '--logLevel', 'warn'];
  const { status } = spawnSync('vite', args, {
    cwd: root,
    env: toolEnv,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  process.exitCode = status ?? 1;
}
