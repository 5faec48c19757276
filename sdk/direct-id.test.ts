import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { directConvId } from './direct-id.ts';
import { sha256 } from './sha256.ts';

test('SHA-256 is the one that everybody has', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.deepEqual(Buffer.from(sha256(bytes)), createHash('sha256').update(bytes).digest());
    }),
  );
});

test('the id of a direct conversation is that of the server, whoever asks', () => {
  // As services/core/conv-id.ts makes them.
  assert.equal(directConvId('a', 'b'), 'd_-s3eer8erFswEnOrLigvebqwEA8FiDOn');
  assert.equal(directConvId('b', 'a'), 'd_-s3eer8erFswEnOrLigvebqwEA8FiDOn');
  assert.equal(directConvId('é', '日本'), 'd_qH95wvGkcjRL8DOD9PRUgHwc7Jlp65WT');
  assert.equal(directConvId('😀', 'z'), 'd_Kn2E3cxPXJu3gUJ2uKWRFfOP7k_u55gw');
  assert.notEqual(directConvId('ab', 'c'), directConvId('a', 'bc'));
});
