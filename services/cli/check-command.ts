import { checkDirectory } from '../adapters/embedded/check-directory.ts';
import { coreOptions } from '../core/core-options.ts';
import { type Environment, loadConfig } from '../core/config.ts';
import { masterKeys, storeDirectory } from '../open-store.ts';
import { storeOptions } from '../options.ts';
import { StoreError } from '../ports/message-store.ts';
import type { Command } from './command.ts';

/** `parley check`: walks a store that no server has open. */
export function checkCommand(env?: Environment): Command {
  return {
    name: 'check',
    operands: '',
    summary: 'Check everything in the data directory: rows open, logs have no gaps, indexes agree.',
    options: {},
    least: 0,
    most: 0,
    async run(_args, io) {
      const config = loadConfig({ core: coreOptions, store: storeOptions }, env);
      try {
        const report = await checkDirectory(storeDirectory(config), await masterKeys(config), (entries) =>
          io.note(`\r${entries} entries`),
        );
        io.note('\r');
        io.out(`${report.conversations} conversations, ${report.entries} entries\n`);
        for (const problem of report.problems) io.out(`${problem}\n`);
        io.out(report.problems.length === 0 ? 'all is well\n' : `${report.problems.length} problems\n`);
        return report.problems.length === 0 ? 0 : 1;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        io.note(`parley: ${error.message}\n`);
        return 1;
      }
    },
  };
}
