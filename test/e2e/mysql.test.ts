import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { TestDatabase } from '../../services/adapters/mysql/testing/database.ts';
import { checkCommand } from '../../services/cli/check-command.ts';
import { runCli } from '../../services/cli/run-cli.ts';
import { RestUser } from './support/rest-user.ts';
import { refusedStart, ServerProcess } from './support/server-process.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

async function check(env: Record<string, string>) {
  let said = '';
  const io = { out: (text: string) => void (said += text), note: (text: string) => void (said += text) };
  return { code: await runCli(['check'], [checkCommand(env)], io), said };
}

test('one process on MySQL: sends are there after a crash, and parley check finds nothing wrong', async () => {
  const { url } = database.config(await database.schema());
  const env = { PARLEY_MYSQL_URL: url };
  await using server = await ServerProcess.start({ env });
  const ann = new RestUser('ann', server.pageUrl);
  const group = await ann.createGroup('On MySQL', ['bea']);
  await ann.send(group, 'first');
  await ann.send(group, 'second');
  await server.kill();
  await server.start();
  const bea = new RestUser('bea', server.pageUrl);
  await bea.send(group, 'third');
  const entries = await bea.list(group);
  assert.deepEqual(
    entries.filter(({ type }) => type === 'message').map(({ content }) => content),
    ['first', 'second', 'third'],
  );
  const { code, said } = await check({ ...env, PARLEY_DATA_DIR: server.dataDir, PARLEY_MODE: 'development' });
  assert.match(said, /1 conversations, 4 entries\nall is well/);
  assert.equal(code, 0);
});

test('production refuses a database that is not durable at commit', async () => {
  const schema = await database.schema();
  const { url } = database.config(schema);
  await using admin = await database.admin(schema);
  await admin.ask('SET GLOBAL innodb_flush_log_at_trx_commit = 2');
  try {
    const production = {
      PARLEY_MODE: 'production',
      PARLEY_MYSQL_URL: url,
      PARLEY_TOKEN_SECRET: 'a secret of tests that is long enough',
      PARLEY_MASTER_KEYS: `1:${'ab'.repeat(32)}`,
    };
    const { code, output } = await refusedStart({ env: production });
    assert.equal(code, 1);
    assert.match(output, /innodb_flush_log_at_trx_commit is 2, it must be 1/);
  } finally {
    await admin.ask('SET GLOBAL innodb_flush_log_at_trx_commit = 1');
  }
});

test('a check of a database without a store says so, and so does one without keys', async () => {
  const { url } = database.config(await database.schema());
  const directory = await mkdtemp(join(tmpdir(), 'parley-check-'));
  const env = { PARLEY_MYSQL_URL: url, PARLEY_DATA_DIR: directory };
  try {
    const withoutStore = await check({ ...env, PARLEY_MASTER_KEYS: `1:${'ab'.repeat(32)}` });
    assert.match(withoutStore.said, /there is no store in this database/);
    assert.equal(withoutStore.code, 1);
    assert.match((await check({ ...env, PARLEY_MODE: 'production' })).said, /the master keys must be given/);
  } finally {
    await rm(directory, { recursive: true });
  }
});
