import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, relative, resolve, sep } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '..');

/** Files and packages that running this file would load. Imports of types alone are gone by then. */
function loads(entry: string): { readonly files: Set<string>; readonly packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    const source = readFileSync(file, 'utf8');
    for (const [, what, from] of source.matchAll(
      /^(?:import|export)\s+(?:([^'";]*?)\s+from\s+)?'([^']+)'/gm,
    )) {
      if (/^type\b/.test(what ?? '')) continue;
      if ((from as string).startsWith('.')) waiting.push(resolve(dirname(file), from as string));
      else packages.add(from as string);
    }
    assert.doesNotMatch(source, /\bimport\(|\brequire\(/, `${file} loads something by name`);
  }
  return { files, packages };
}

/** Folders and packages that a bridge may consist of. */
const folders = [/^bridge\/(?!web\/)/, /^services\/core\//, /^services\/codec\//, /^gen\//];
const packages = [/^@bufbuild\/protobuf(\/|$)/, /^@connectrpc\/connect(-node)?(\/|$)/, /^ws$/, /^zod$/];
/** What services/core brings along. */
const ofCore = [/^@opentelemetry\//, /^pino$/];

for (const entry of ['bridge.ts', 'upstream.ts', 'options.ts', 'upstream-options.ts']) {
  test(`bridge/${entry} takes nothing of the server along but core and codec`, () => {
    const loaded = loads(resolve(import.meta.dirname, entry));
    const foreign = [...loaded.files]
      .map((file) => relative(root, file).split(sep).join('/'))
      .filter((file) => !folders.some((folder) => folder.test(file)));
    assert.deepEqual(foreign, []);
    const strange = [...loaded.packages].filter(
      (name) => !name.startsWith('node:') && ![...packages, ...ofCore].some((pattern) => pattern.test(name)),
    );
    assert.deepEqual(strange, []);
    assert.deepEqual(
      [...loaded.packages].filter((name) => builtinModules.includes(name)),
      [],
    );
  });
}

test('the walk sees what it must', () => {
  const { files, packages: found } = loads(resolve(import.meta.dirname, 'bridge.ts'));
  const names = [...files].map((file) => relative(root, file).split(sep).join('/'));
  for (const name of ['bridge/dialects/plain.ts', 'services/codec/frames.ts', 'bridge/rest/send-message.ts'])
    assert.ok(names.includes(name), name);
  assert.ok(found.has('ws') && found.has('@connectrpc/connect'));
  assert.ok(loads(resolve(root, 'services/connect/connect-server.ts')).files.size > 5);
});
