import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { ErrorSchema, Retry } from '../gen/parley/chat/v1/error_pb.ts';
import { connectError } from './connect-error.ts';

const encoded = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe('an error of the Connect protocol', () => {
  test('is the detail that the server sent', () => {
    const detail = create(ErrorSchema, {
      code: 8,
      reason: 'rateLimited',
      message: 'slow',
      retry: Retry.HERE,
      retryAfterMs: 70,
    });
    const value = Buffer.from(toBinary(ErrorSchema, detail)).toString('base64').replaceAll('=', '');
    const error = connectError(
      429,
      encoded({ code: 'resource_exhausted', details: [{ type: 'parley.chat.v1.Error', value }] }),
    );
    assert.deepEqual(
      [error.reason, error.message, error.retry, error.retryAfterMs],
      ['rateLimited', 'slow', 'here', 70],
    );
  });

  const others: [name: string, status: number, body: Uint8Array, reason: string, retry: string][] = [
    ['without a detail', 403, encoded({ code: 'permission_denied', message: 'no' }), 'refused', 'never'],
    ['that a proxy made', 502, new TextEncoder().encode('<html>'), 'upstreamUnavailable', 'elsewhere'],
    ['without a body', 401, new Uint8Array(0), 'tokenInvalid', 'never'],
    [
      'with a broken detail',
      500,
      encoded({ details: [{ type: 'parley.chat.v1.Error', value: '%%%' }] }),
      'upstreamUnavailable',
      'elsewhere',
    ],
  ];
  for (const [name, status, body, reason, retry] of others)
    test(name, () => {
      const error = connectError(status, body);
      assert.deepEqual([error.reason, error.retry], [reason, retry]);
    });
});
