import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenSubject } from './token-subject.ts';

const token = (claims: string) => `h.${Buffer.from(claims).toString('base64url')}.s`;

test('the subject of a token, in whatever script', () => {
  assert.equal(tokenSubject(token('{"sub":"alice","exp":1}')), 'alice');
  assert.equal(tokenSubject(token('{"sub":"مريم ÿ?>"}')), 'مريم ÿ?>');
});

test('what is no token has no subject', () => {
  for (const text of ['', 'a.b', 'a.%%%.c', token('7'), token('null'), token('{"sub":7}'), token('{')])
    assert.equal(tokenSubject(text), '', text);
});
