import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.ts';

/** Where Node keeps what it has compiled: the next start of a file needs half of the time. Never emptied by itself. */
export const compileCache = join(root, 'node_modules', '.cache', 'compile');

const mostBytes = 512 * 1024 * 1024;

/** The environment for programs that start Node again and again. Begins anew where copies of files have filled the place. */
export function cachingCompiled(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (bytesIn(compileCache) > mostBytes) rmSync(compileCache, { recursive: true, force: true });
  return { NODE_COMPILE_CACHE: compileCache, ...env };
}

function bytesIn(place: string): number {
  try {
    return readdirSync(place, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  } catch {
    return 0;
  }
}
