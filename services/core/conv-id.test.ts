import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directConvId, isDirect } from './conv-id.ts';
import { idProblem, type UserId } from './ids.ts';

const user = (name: string): UserId => name as UserId;

test('a direct conversation has one id, whoever asks and however often', () => {
  const id = directConvId(user('ann'), user('bob'));
  assert.equal(directConvId(user('bob'), user('ann')), id);
  assert.equal(directConvId(user('ann'), user('bob')), id);
  assert.equal(idProblem(id), undefined);
  assert.ok(isDirect(id));
});

test('pairs that would read the same without their lengths have different ids', () => {
  assert.notEqual(directConvId(user('ab'), user('c')), directConvId(user('a'), user('bc')));
  assert.notEqual(directConvId(user('1:a'), user('b')), directConvId(user('a1'), user(':b')));
});
