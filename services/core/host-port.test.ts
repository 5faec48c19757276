import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bracketed, hostPort } from './host-port.ts';

test('IPv6 stands in brackets before a port, and nothing else does', () => {
  assert.equal(hostPort('e1', 9505), 'e1:9505');
  assert.equal(hostPort('10.0.0.1', 9505), '10.0.0.1:9505');
  assert.equal(hostPort('fd00::1', 9505), '[fd00::1]:9505');
  assert.equal(hostPort('[fd00::1]', 9505), '[fd00::1]:9505');
  for (const [address, expected] of [
    ['e1:9505', 'e1:9505'],
    ['fd00::1:9505', '[fd00::1]:9505'],
    ['[fd00::1]:9505', '[fd00::1]:9505'],
    ['e1', 'e1'],
  ] as const)
    assert.equal(bracketed(address), expected);
});
