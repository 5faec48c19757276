import { openEmbeddedStore } from '../adapters/embedded/embedded-store.ts';
import { openMySqlStore } from '../adapters/mysql/mysql-store.ts';
import { mySqlOptions } from '../adapters/mysql/options.ts';
import { existsSync } from 'node:fs';
import { type ConfigOf, type Environment, loadConfig } from '../core/config.ts';
import { coreOptions } from '../core/core-options.ts';
import { silentLogger } from '../core/log.ts';
import type { MasterKey } from '../core/seal.ts';
import { givenMasterKeys, storeDirectory } from '../open-store.ts';
import { storeOptions } from '../options.ts';
import { type MessageStore, StoreError } from '../ports/message-store.ts';
import type { Command } from './command.ts';

const tables = { core: coreOptions, store: storeOptions, mysql: mySqlOptions };

/** `parley renew-epoch`: after a restore by other means than `parley import`. On MySQL also while servers run. */
export function renewEpochCommand(env?: Environment): Command {
  return {
    name: 'renew-epoch',
    operands: '',
    summary: 'Have all clients start over: the store was restored from a backup.',
    options: {},
    least: 0,
    most: 0,
    async run(_args, io) {
      const config = loadConfig(tables, env);
      try {
        const store = await open(config, await givenMasterKeys(config));
        try {
          io.out(`the epoch is now ${await store.renewEpoch(store.epoch)}\n`);
        } finally {
          await store.close();
        }
        return 0;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        io.note(`parley: ${error.message}\n`);
        return 1;
      }
    },
  };
}

async function open(
  config: ConfigOf<typeof tables>,
  masterKeys: readonly MasterKey[],
): Promise<MessageStore> {
  if (config.mysql.url !== '')
    return openMySqlStore({
      config: config.mysql,
      masterKeys,
      incarnation: () => 'renew-epoch',
      outbox: false,
      requireDurable: false,
      mustExist: true,
      log: silentLogger,
      random: Math.random,
    });
  const directory = storeDirectory(config);
  if (!existsSync(directory)) throw new StoreError('unavailable', `there is no store in ${directory}`);
  return openEmbeddedStore({ directory, masterKeys });
}
