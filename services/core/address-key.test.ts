import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressKey } from './address-key.ts';

test('IPv4 addresses count each, however they are written', () => {
  assert.equal(addressKey('192.0.2.7'), '192.0.2.7');
  assert.equal(addressKey('::ffff:192.0.2.7'), '192.0.2.7');
  assert.notEqual(addressKey('192.0.2.7'), addressKey('192.0.2.8'));
});

test('IPv6 addresses count with their network', () => {
  const key = addressKey('2001:db8:a:b:1:2:3:4');
  assert.equal(key, '2001:db8:a:b');
  assert.equal(addressKey('2001:0DB8:000a:b::9'), key);
  assert.equal(addressKey('2001:db8:a:b::1.2.3.4'), key);
  assert.equal(addressKey('2001:db8::1'), '2001:db8:0:0');
  assert.equal(addressKey('::2'), '0:0:0:0');
  assert.equal(addressKey('fe80::1%eth0'), 'fe80:0:0:0');
  assert.notEqual(addressKey('2001:db8:a:c::9'), key);
});

test('this machine has none', () => {
  for (const own of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1', '']) {
    assert.equal(addressKey(own), undefined);
  }
});
