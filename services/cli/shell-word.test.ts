import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { shellWord } from './shell-word.ts';

test('a word for a shell is one word, with nothing in it carried out, and shows what it is', () => {
  const texts = [
    'ann',
    'ann@example.org',
    'x$(echo evil)',
    "it's",
    'a b;c',
    '`id`',
    '~',
    '-n',
    '\\n',
    'ab\u202ecd',
    "\u2066it's\\",
    '\u{1F600}',
  ];
  for (const text of texts) {
    const word = shellWord(text);
    assert.equal(execFileSync('bash', ['-c', `printf %s ${word}`, 'bash'], shell).toString(), text, word);
    assert.ok(!/[\u202a-\u202e\u2066-\u2069]/.test(word), word);
  }
  assert.equal(shellWord('ann@example.org'), 'ann@example.org');
});

const shell = { env: { ...process.env, LC_ALL: 'C.UTF-8' } };
