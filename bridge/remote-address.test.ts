import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { remoteAddressOf } from './remote-address.ts';

function from(forwarded: string | undefined): IncomingMessage {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { socket: { remoteAddress: '10.0.0.9' }, headers } as unknown as IncomingMessage;
}

test('only what trusted proxies wrote counts', () => {
  assert.equal(remoteAddressOf(from('1.1.1.1'), 0), '10.0.0.9');
  assert.equal(remoteAddressOf(from('6.6.6.6, 1.1.1.1'), 1), '1.1.1.1');
  assert.equal(remoteAddressOf(from('6.6.6.6, 1.1.1.1, 10.0.0.2'), 2), '1.1.1.1');
  assert.equal(remoteAddressOf(from('1.1.1.1'), 2), '1.1.1.1');
  assert.equal(remoteAddressOf(from(undefined), 1), '10.0.0.9');
  assert.equal(remoteAddressOf(from('x'.repeat(500)), 1).length, 64);
});
