import assert from 'node:assert/strict';
import { test } from 'node:test';
import { threadFile } from './thread-file.ts';

test('a thread runs what its starter is: sources in a checkout, JavaScript where it was built', () => {
  assert.equal(threadFile('worker', 'file:///app/services/store.ts').href, 'file:///app/services/worker.ts');
  assert.equal(
    threadFile('worker', 'file:///app/node_modules/parley/services/store.js').href,
    'file:///app/node_modules/parley/services/worker.js',
  );
});
