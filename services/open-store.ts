import { join } from 'node:path';
import { type EmbeddedStore, openEmbeddedStore } from './adapters/embedded/embedded-store.ts';
import { loadOrCreateKeyFile, parseMasterKeys } from './core/key-file.ts';
import type { MasterKey } from './core/seal.ts';
import type { LogFields, Logger } from './core/log.ts';
import type { Config } from './options.ts';

export function storeDirectory(config: Pick<Config, 'core'>): string {
  return join(config.core.dataDir, 'store');
}

/** The keys that open what is stored: configured ones, or those of the data directory's key file. */
export async function masterKeys(config: Pick<Config, 'core' | 'store'>): Promise<readonly MasterKey[]> {
  const configured = config.store.masterKeys;
  if (configured === '') return loadOrCreateKeyFile(join(config.core.dataDir, 'master.keys'));
  return parseMasterKeys(configured.replaceAll(':', ' ').replaceAll(',', '\n'), 'PARLEY_MASTER_KEYS');
}

/** The embedded store as configured. */
export async function openStore(config: Config, log: Logger): Promise<EmbeddedStore> {
  const { failpoints, traceFd, noSync } = config.test;
  return openEmbeddedStore({
    directory: storeDirectory(config),
    masterKeys: await masterKeys(config),
    log: {
      info: (fields, text) => log.info(text, fields as LogFields),
      warn: (fields, text) => log.warn(text, fields as LogFields),
      error: (fields, text) => log.error(text, fields as LogFields),
    },
    onFatal: (error) => {
      // Nothing can be stored any more: better no server than one that pretends.
      log.error('the store is dead', { 'event.action': 'store-dead' }, error);
      process.exit(1);
    },
    cacheBytes: config.store.cacheBytes,
    failpoints,
    traceFd,
    unsafeNoSync: noSync,
  });
}
