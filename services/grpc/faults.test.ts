import { findTrailerError } from '@connectrpc/connect/protocol-grpc';
import { fromBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorSchema, Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import { Fault, type FaultReason, faults } from '../core/fault.ts';
import { closeStatus, errorKey, statusDetailsKey, toStatus } from './faults.ts';

const retries = { never: Retry.NEVER, here: Retry.HERE, elsewhere: Retry.ELSEWHERE };

test('every fault becomes a status with its error in the trailers', () => {
  for (const reason of Object.keys(faults) as FaultReason[]) {
    const { code, details, metadata } = toStatus(
      new Fault(reason, { message: 'für Menschen', field: 'send.to' }),
    );
    assert.equal(code, faults[reason].code);
    assert.equal(details, 'für Menschen');
    const error = fromBinary(ErrorSchema, metadata.get(errorKey)[0] as Buffer);
    assert.deepEqual([error.code, error.reason, error.field], [code, reason, 'send.to']);
    assert.equal(error.retry, retries[faults[reason].retry]);
  }
});

test('a foreign library finds the error where it looks for details', () => {
  const { code, metadata } = toStatus(new Fault('rateLimited', { message: 'wait', retryAfterMs: 250 }));
  const details = metadata.get(statusDetailsKey)[0] as Buffer;
  const trailer = new Headers({
    'grpc-status': String(code),
    [statusDetailsKey]: details.toString('base64'),
  });
  const found = findTrailerError(trailer);
  assert.equal(found?.code, code);
  assert.equal(found.rawMessage, 'wait');
  const [error] = found.findDetails(ErrorSchema);
  assert.deepEqual([error?.reason, error?.retryAfterMs], ['rateLimited', 250]);
});

test('messages fit into trailers, whatever they quote', () => {
  const { details } = toStatus(new Fault('invalidId', { message: `${'x'.repeat(499)}😀 \ud800` }));
  assert.ok(details.length <= 500);
  assert.equal(details.isWellFormed(), true);
  assert.doesNotThrow(() => encodeURI(details));
});

test('closes by the node: by reason, else by code', () => {
  assert.equal(closeStatus(4503, 'nodeDraining')?.code, status.UNAVAILABLE);
  assert.equal(closeStatus(1000, 'bye'), undefined);
  assert.equal(closeStatus(4599, 'something new')?.code, status.UNAVAILABLE);
  assert.equal(closeStatus(4499, 'something new')?.code, status.FAILED_PRECONDITION);
  // Not the reason of a fault, though every object has it.
  assert.equal(closeStatus(1000, 'constructor'), undefined);
});
