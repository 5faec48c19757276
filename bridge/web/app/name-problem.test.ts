import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameProblem, tidyName } from './name-problem.ts';

test('names are tidied before they are judged', () => {
  assert.equal(tidyName('  alice '), 'alice');
  assert.equal(tidyName('Zoe\u0308'), 'Zo\u00eb');
});

test('names that the server would refuse are refused here', () => {
  for (const good of ['alice', '李雷', 'a b', '👩‍🚀', 'x'.repeat(64)])
    assert.equal(nameProblem(good), '', good);
  for (const bad of ['', 'x'.repeat(65), 'a\nb', 'a\u007fb', 'a\u2028b', '\ud800'])
    assert.notEqual(nameProblem(bad), '', JSON.stringify(bad));
});
