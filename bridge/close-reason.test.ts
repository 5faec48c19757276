import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../services/core/fault.ts';
import { closeReason, cutReason } from './close-reason.ts';

test('a close reason has at most 123 bytes and ends between characters', () => {
  assert.equal(cutReason('a'.repeat(123)), 'a'.repeat(123));
  assert.equal(cutReason('a'.repeat(124)), 'a'.repeat(123));
  assert.equal(cutReason(`${'a'.repeat(121)}é€`), `${'a'.repeat(121)}é`);
  assert.equal(cutReason(`${'a'.repeat(120)}😀`), 'a'.repeat(120));
  assert.equal(closeReason(new Fault('superseded')), 'superseded');
  assert.equal(closeReason(new Fault('superseded', { message: 'a newer one' })), 'superseded: a newer one');
});
