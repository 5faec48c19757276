import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { mutants } from './mutants.ts';

const root = join(import.meta.dirname, '..');

test('what the mutants break is in the code, each in one place, and their tests are there', () => {
  for (const { invariant, how, file, from, tests } of mutants) {
    const places = readFileSync(join(root, file), 'utf8').split(from).length - 1;
    assert.equal(places, 1, `${invariant} ${how}: ${file} has it ${places} times`);
    for (const named of tests) assert.ok(existsSync(join(root, named)), `${invariant} ${how}: no ${named}`);
  }
});
