import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { askSql } from '../test/engines/mariadb.ts';
import { mariaDb } from '../test/engines/shared.ts';
import { ConfigError, loadConfig } from './core/config.ts';
import { silentLogger } from './core/log.ts';
import { masterKeys, openStore, type OpenStore } from './open-store.ts';
import { optionTables } from './options.ts';
import {
  append,
  commit,
  conversation,
  createDirect,
  entry,
  log,
} from './ports/message-store-conformance/samples.ts';

const one = `1:${'1'.repeat(64)}`;
const both = `${one},2:${'2'.repeat(64)}`;
const schema = await mariaDb();
after(() => schema[Symbol.asyncDispose]());

const configOf = (keys: string, sealing?: string) =>
  loadConfig(optionTables, {
    PARLEY_MYSQL_URL: schema.url,
    PARLEY_MASTER_KEYS: keys,
    ...(sealing === undefined ? {} : { PARLEY_SEALING_KEY: sealing }),
  });
const open = (keys: string, sealing?: string): Promise<OpenStore> =>
  openStore(configOf(keys, sealing), silentLogger);

test('a message node that has a new key and does not seal with it yet is read by one that has it not', async () => {
  const talk = conversation('d_talk');
  const sealedBy = async (): Promise<readonly unknown[]> => {
    const rows = await askSql(
      schema.address.port,
      `SELECT key_id FROM ${schema.database}.message ORDER BY seq`,
    );
    return (rows as { readonly key_id: number }[]).map(({ key_id: id }) => id);
  };
  const former = await open(one);
  const first = await open(both, '1');
  await commit(first, createDirect(talk));
  assert.equal((await log(former, talk)).length, 1);
  await former.close();
  // Now that all have it, one after the other seals with it.
  const second = await open(both, '1');
  await first.close();
  const sealing = await open(both);
  await commit(sealing, append(talk, [entry(2)]));
  assert.deepEqual(await sealedBy(), [1, 2]);
  assert.equal((await log(second, talk)).length, 2);
  for (const store of [second, sealing]) await store.close();
});

test('a key that is to seal and was not given stops the start', async () => {
  await assert.rejects(
    masterKeys(configOf(one, '2')),
    (error) => error instanceof ConfigError && /PARLEY_SEALING_KEY is 2/.test(error.message),
  );
});
