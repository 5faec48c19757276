import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCluster } from './cluster-links.ts';
import { ConfigError, loadConfig } from './core/config.ts';
import { optionTables } from './options.ts';

const token = 'a token of tests that is long enough';

function problemsOf(env: Readonly<Record<string, string>>, storesMessages = false): readonly string[] {
  const config = loadConfig(optionTables, {
    PARLEY_REDIS_URL: 'redis://redis:6379',
    PARLEY_CLUSTER_TOKEN: token,
    ...env,
  });
  try {
    checkCluster(config, { storesMessages });
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map((problem) => /^PARLEY_\w+/.exec(problem)?.[0] ?? problem);
  }
  return [];
}

test('a process of a cluster needs a directory, a token, and a store where it has messages', () => {
  assert.deepEqual(problemsOf({}), []);
  assert.deepEqual(problemsOf({ PARLEY_REDIS_URL: '' }), ['PARLEY_REDIS_URL']);
  assert.deepEqual(problemsOf({ PARLEY_CLUSTER_TOKEN: '' }), ['PARLEY_CLUSTER_TOKEN']);
  assert.deepEqual(problemsOf({ PARLEY_CLUSTER_TOKEN: '', PARLEY_MODE: 'development' }), []);
  assert.deepEqual(problemsOf({ PARLEY_CLUSTER_TOKEN: 'short' }), ['PARLEY_CLUSTER_TOKEN']);
  assert.deepEqual(problemsOf({}, true), ['PARLEY_MYSQL_URL']);
});

test('one whose port for links is bound to all addresses says where the others reach it', () => {
  for (const mode of ['development', 'production'])
    for (const host of ['0.0.0.0', '::']) {
      const env = { PARLEY_MODE: mode, PARLEY_LINK_HOST: host };
      assert.deepEqual(problemsOf(env), ['PARLEY_LINK_ADDRESS'], `${mode}, ${host}`);
      assert.deepEqual(problemsOf({ ...env, PARLEY_LINK_ADDRESS: 'e1:9505' }), []);
    }
  assert.deepEqual(problemsOf({ PARLEY_LINK_HOST: '10.0.0.11' }), []);
});
