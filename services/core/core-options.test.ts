import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from './config.ts';
import { checkReach, isLoopback, isWildcard } from './core-options.ts';

test('what is loopback', () => {
  for (const host of ['127.0.0.1', '127.8.9.10', '::1', 'localhost'])
    assert.equal(isLoopback(host), true, host);
  for (const host of ['0.0.0.0', '::', '', '127.0.0.1.example.org', '192.168.0.1', '128.0.0.1']) {
    assert.equal(isLoopback(host), false, host);
  }
});

test('what is everywhere', () => {
  for (const host of ['0.0.0.0', '::']) assert.equal(isWildcard(host), true, host);
  for (const host of ['127.0.0.1', '::1', '10.0.0.0', 'localhost'])
    assert.equal(isWildcard(host), false, host);
});

test('development listens on loopback alone', () => {
  checkReach('development', { PARLEY_HOST: '::1', PARLEY_METRICS_HOST: '127.0.0.1' });
  checkReach('production', { PARLEY_HOST: '0.0.0.0' });
  assert.throws(
    () => checkReach('development', { PARLEY_HOST: '127.0.0.1', PARLEY_METRICS_HOST: '0.0.0.0' }),
    (error) => error instanceof ConfigError && /^PARLEY_METRICS_HOST must be a loopback/.test(error.message),
  );
});
