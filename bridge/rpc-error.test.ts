import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorSchema, Retry } from '../gen/parley/chat/v1/error_pb.ts';
import { rpcError } from './rpc-error.ts';

for (const code of [Code.Unavailable, Code.Canceled])
  test(`a call that ends as ${Code[code]} without a word of the node may be made again elsewhere`, () => {
    const error = rpcError(new ConnectError('http/2 stream closed with error code CANCEL (0x8)', code));
    const [detail] = error.findDetails(ErrorSchema);
    assert.equal(error.code, Code.Unavailable);
    assert.deepEqual([detail?.reason, detail?.retry], ['upstreamUnavailable', Retry.ELSEWHERE]);
  });

test('what the node says itself stays as it is', () => {
  const value = { code: Code.NotFound, reason: 'conversationNotFound', retry: Retry.NEVER };
  const refusal = new ConnectError('no such', Code.NotFound, undefined, [{ desc: ErrorSchema, value }]);
  assert.equal(rpcError(refusal).code, Code.NotFound);
  assert.equal(rpcError(refusal).findDetails(ErrorSchema)[0]?.reason, 'conversationNotFound');
});
