import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, matchesGlob, relative } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { root, toolEnv } from '../../scripts/paths.ts';

const run = promisify(execFile);

/** A directory with what Docker is given of the checkout: all of it is left out, then some is let in, and less of that again. */
async function context() {
  const text = await readFile(join(root, 'deploy', 'Dockerfile.dockerignore'), 'utf8');
  const [all, ...rules] = text.trim().split('\n');
  assert.equal(all, '*');
  const admitted = rules.filter((rule) => rule.startsWith('!')).map((rule) => rule.slice(1));
  const excluded = rules.slice(admitted.length);
  assert.ok(
    excluded.every((rule) => !rule.startsWith('!')),
    'what is left out of what is let in stands last',
  );
  const directory = await mkdtemp(join(tmpdir(), 'parley-context-'));
  const kept = (path: string) => !excluded.some((rule) => matchesGlob(relative(root, path), rule));
  for (const path of admitted)
    await cp(join(root, path), join(directory, path), { recursive: true, filter: kept });
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

test('the image: the package is built from what Docker is given of the checkout', async () => {
  await using given = await context();
  // What `npm ci` would bring.
  await symlink(join(root, 'node_modules'), join(given.directory, 'node_modules'));
  const { stdout } = await run(process.execPath, ['scripts/build-package.ts'], {
    cwd: given.directory,
    env: toolEnv,
  });
  assert.match(stdout, /^dist\/parley-\d+\.\d+\.\d+\.tgz$/m);
});
