import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../services/core/fault.ts';
import { parseJson } from './json-input.ts';

test('what JSON means is taken', () => {
  for (const value of [null, 'ä😀', 9_007_199_254_740_991, -0.5, { a: [{ b: '\u2028' }] }, []])
    assert.deepEqual(parseJson(JSON.stringify(value)), value);
  const polluted = parseJson('{"__proto__":{"admin":true}}') as Record<string, unknown>;
  assert.equal(polluted.admin, undefined);
});

test('what JSON.parse takes and can not mean is refused, and the place named', () => {
  const deep = (levels: number) => `${'['.repeat(levels)}1${']'.repeat(levels)}`;
  const cases: [string, string, string][] = [
    ['', 'malformedFrame', ''],
    ['{"a":1,}', 'malformedFrame', ''],
    ['NaN', 'malformedFrame', ''],
    ['{"a":{"b":[1,9007199254740992]}}', 'invalidField', 'a.b[1]'],
    ['[{"x":-1e400}]', 'invalidField', '[0].x'],
    ['{"commands":[{"send":{"clientId":"\\ud83d"}}]}', 'invalidField', 'commands[0].send.clientId'],
    ['{"\\udc00":1}', 'invalidField', ''],
    [`{"a":${deep(24)}}`, 'invalidField', `a${'[0]'.repeat(23)}`],
    [deep(100_000), 'invalidField', ''],
    [`[${Array(32_768).fill('1').join()}]`, 'taken', ''],
    [`[${Array(32_769).fill('1').join()}]`, 'frameTooLarge', ''],
    [`[${Array(6_143).fill('{}').join()}]`, 'taken', ''],
    [`[${Array(6_144).fill('[]').join()}]`, 'frameTooLarge', ''],
    [`[${Array(6_144).fill('null').join()}]`, 'frameTooLarge', ''],
  ];
  for (const [text, reason, field] of cases) {
    if (reason === 'taken') {
      parseJson(text);
      continue;
    }
    assert.throws(
      () => parseJson(text),
      (error) => {
        assert.ok(error instanceof Fault);
        assert.equal(error.reason, reason, text.slice(0, 60));
        if (field !== '') assert.equal(error.field, field);
        return true;
      },
    );
  }
});
