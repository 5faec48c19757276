import { checkDirectory } from '../adapters/embedded/check-directory.ts';
import { openMySqlStore } from '../adapters/mysql/mysql-store.ts';
import { mySqlOptions } from '../adapters/mysql/options.ts';
import { coreOptions } from '../core/core-options.ts';
import { type ConfigOf, type Environment, loadConfig } from '../core/config.ts';
import { silentLogger } from '../core/log.ts';
import { givenMasterKeys, storeDirectory } from '../open-store.ts';
import { storeOptions } from '../options.ts';
import type { StoreReport } from '../ports/message-store.ts';
import type { Command } from './command.ts';
import { assertThere } from './open-by-hand.ts';
import { isExpected } from './told.ts';

/** `parley check`: walks a store; the embedded one only while no server has it open. */
export function checkCommand(env?: Environment): Command {
  return {
    name: 'check',
    operands: '',
    summary: 'Check everything in the store: rows open, logs have no gaps, indexes agree.',
    options: {},
    least: 0,
    most: 0,
    async run(_args, io) {
      const config = loadConfig(options, env);
      try {
        const onProgress = (entries: number) => io.note(`\r${entries} entries`);
        const report = await checkStore(config, onProgress);
        io.note('\r');
        io.out(`${report.conversations} conversations, ${report.entries} entries\n`);
        for (const problem of report.problems) io.out(`${problem}\n`);
        io.out(report.problems.length === 0 ? 'all is well\n' : `${report.problems.length} problems\n`);
        return report.problems.length === 0 ? 0 : 1;
      } catch (error) {
        if (!isExpected(error)) throw error;
        io.note(`parley: ${error.message}\n`);
        return 1;
      }
    },
  };
}

const options = { core: coreOptions, store: storeOptions, mysql: mySqlOptions };

async function checkStore(
  config: ConfigOf<typeof options>,
  onProgress: (entries: number) => void,
): Promise<StoreReport> {
  const directory = storeDirectory(config);
  if (config.mysql.url === '') assertThere(directory);
  const keys = await givenMasterKeys(config);
  if (config.mysql.url === '') return checkDirectory(directory, keys, onProgress);
  await using store = await openMySqlStore({
    config: config.mysql,
    masterKeys: keys,
    incarnation: () => 'check',
    outbox: false,
    requireDurable: false,
    mustExist: true,
    log: silentLogger,
    random: Math.random,
  });
  return store.check(onProgress);
}
