import { mySqlOptions } from '../adapters/mysql/options.ts';
import { type Environment, loadConfig } from '../core/config.ts';
import { coreOptions } from '../core/core-options.ts';
import { givenMasterKeys } from '../open-store.ts';
import { storeOptions } from '../options.ts';
import type { Command } from './command.ts';
import { openByHand } from './open-by-hand.ts';
import { actByHand } from './terminal-trail.ts';
import { told } from './told.ts';

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
    run: (_args, io) =>
      told(io, async () => {
        const config = loadConfig(tables, env);
        const store = await openByHand(config, await givenMasterKeys(config));
        try {
          const act = { action: 'store.renew-epoch', target: store.epoch };
          const epoch = await actByHand(store.audit, act, () => store.renewEpoch(store.epoch));
          io.out(`the epoch is now ${epoch}\n`);
        } finally {
          await store.close();
        }
      }),
  };
}
