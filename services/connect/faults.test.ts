import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code as ConnectCode, ConnectError } from '@connectrpc/connect';
import { ErrorSchema, Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import { Fault, type FaultReason, faults } from '../core/fault.ts';
import { toConnectError } from './faults.ts';

test('every fault keeps its code, and is the only detail', () => {
  const reasons = Object.keys(faults) as FaultReason[];
  for (const reason of reasons) {
    const fault = new Fault(reason, { message: 'why', field: 'a.b', retryAfterMs: 5 });
    const error = toConnectError(fault);
    assert.equal(error.code as number, fault.spec.code);
    assert.equal(error.rawMessage, 'why');
    const [detail, ...others] = error.details as { desc: unknown; value: Record<string, unknown> }[];
    assert.equal(others.length, 0);
    assert.equal(detail?.desc, ErrorSchema);
    assert.deepEqual(
      [detail.value.reason, detail.value.field, detail.value.retryAfterMs],
      [reason, 'a.b', 5],
    );
  }
  const { details } = toConnectError(new Fault('storeUnavailable'));
  assert.equal((details[0] as unknown as { value: { retry: Retry } }).value.retry, Retry.HERE);
});

test('what is no fault tells nothing of itself', () => {
  const error = toConnectError(new TypeError('secret'));
  assert.equal(error.code, ConnectCode.Internal);
  assert.doesNotMatch(error.message, /secret/);
  const passed = new ConnectError('x', ConnectCode.Canceled);
  assert.equal(toConnectError(passed), passed);
  assert.equal(toConnectError(new Fault('invalidId', { message: 'bad \ud800' })).rawMessage, 'bad \ufffd');
});
