import assert from 'node:assert/strict';
import { test } from 'node:test';
import { currentErrorsPage, errorsPage } from './errors-page.ts';

test('docs/errors.md is current', async () => {
  assert.equal(await currentErrorsPage(), errorsPage());
});
