import { join } from 'node:path';
import { openEmbeddedStore } from './adapters/embedded/embedded-store.ts';
import { ConfigError } from './core/config.ts';
import { Failpoints } from './core/failpoint.ts';
import type { Incarnation } from './core/incarnation.ts';
import { loadKeyFile, loadOrCreateKeyFile, parseMasterKeys } from './core/key-file.ts';
import type { MasterKey } from './core/seal.ts';
import type { LogFields, Logger } from './core/log.ts';
import type { Config } from './options.ts';
import type { PageCache } from './ports/directory.ts';
import type { Devices } from './ports/devices.ts';
import { type MessageStore, StoreError } from './ports/message-store.ts';
import type { AuditLog } from './ports/audit-log.ts';
import type { WorkerLeases } from './ports/worker-leases.ts';
import type { Outbox } from './ports/outbox.ts';
import type { BackupSource } from './ports/store-backup.ts';

export function storeDirectory(config: Pick<Config, 'core'>): string {
  return join(config.core.dataDir, 'store');
}

/** Where a server hands out backups of the store in this directory. */
export function backupSocket(config: Pick<Config, 'core'>): string {
  return join(storeDirectory(config), 'backup.sock');
}

/** What telemetry reads of a store, whichever it is. */
export interface StoreCounters {
  /** Reads in hand, and those that wait. */
  readonly reads: number;
  readonly readsWaiting: number;
  /** Writes in hand. */
  readonly writes: number;
  /** Calls refused because a queue was full. */
  readonly overloads: number;
  readonly failedWrites: number;
  /** 1 while commits are accepted, 0 while they are refused. */
  readonly accepting: number;
  /** Pages in the cache that nodes share which were not what they said; a store that shares none has no such count. */
  readonly unsoundPages?: () => number;
}

export type OpenStore = MessageStore &
  Partial<BackupSource> & {
    readonly meters: StoreCounters;
    readonly outbox: Outbox;
    readonly audit: AuditLog;
    readonly workers: WorkerLeases;
    readonly devices: Devices;
  };

type StoreConfig = Pick<Config, 'core' | 'store' | 'mysql'>;

/**
 * The keys that open what is stored: configured ones, or those of the data directory's key file. Rejects with a ConfigError
 * where the one that is to seal is none of them.
 */
export async function masterKeys(config: StoreConfig): Promise<readonly MasterKey[]> {
  return withSealing(config, await anyMasterKeys(config));
}

async function anyMasterKeys(config: StoreConfig): Promise<readonly MasterKey[]> {
  const configured = config.store.masterKeys;
  if (configured !== '')
    return parseMasterKeys(configured.replaceAll(':', ' ').replaceAll(',', '\n'), 'PARLEY_MASTER_KEYS');
  const file = join(config.core.dataDir, 'master.keys');
  // A database is shared: a key that one node made for itself would be unknown to the others.
  if (config.mysql.url === '' || config.core.mode === 'development') return loadOrCreateKeyFile(file);
  const keys = await loadKeyFile(file);
  if (keys !== undefined) return keys;
  throw new StoreError(
    'unavailable',
    `with PARLEY_MYSQL_URL the master keys must be given: set PARLEY_MASTER_KEYS, or put them in ${file}`,
  );
}

/** Keys that are there already: a key made up now would open nothing. Rejects with a StoreError where there are none. */
export async function givenMasterKeys(config: StoreConfig): Promise<readonly MasterKey[]> {
  if (config.store.masterKeys !== '') return masterKeys(config);
  const file = join(config.core.dataDir, 'master.keys');
  const keys = await loadKeyFile(file);
  if (keys !== undefined) return withSealing(config, keys);
  throw new StoreError(
    'unavailable',
    `the master keys must be given: set PARLEY_MASTER_KEYS, or put the key file of the store into ${file}`,
  );
}

function withSealing({ store }: StoreConfig, keys: readonly MasterKey[]): readonly MasterKey[] {
  const { sealingKey } = store;
  if (sealingKey === undefined) return keys;
  if (keys.every(({ id }) => id !== sealingKey))
    throw new ConfigError([`PARLEY_SEALING_KEY is ${sealingKey}, and no master key ${sealingKey} was given`]);
  return keys.map((key) => ({ ...key, seals: key.id === sealingKey }));
}

/**
 * The store as configured: MySQL where PARLEY_MYSQL_URL names one, else the embedded one. Commits leave rows in its
 * outbox, marked with the name of this run, where an incarnation is given: where somebody reads them. On MySQL nodes share
 * `pages` of history.
 */
export function openStore(
  config: Config,
  log: Logger,
  { incarnation, pages }: { readonly incarnation?: Incarnation | undefined; readonly pages?: PageCache } = {},
): Promise<OpenStore> {
  return config.mysql.url === ''
    ? openEmbedded(config, log, incarnation)
    : openDatabase(config, log, incarnation, pages);
}

async function openDatabase(
  config: Config,
  log: Logger,
  incarnation: Incarnation | undefined,
  pages: PageCache | undefined,
): Promise<OpenStore> {
  // A process with a store of its own starts without loading what speaks to databases.
  const { openMySqlStore } = await import('./adapters/mysql/mysql-store.ts');
  return openMySqlStore({
    config: config.mysql,
    masterKeys: await masterKeys(config),
    incarnation: () => incarnation?.name ?? 'nobody reads',
    outbox: incarnation !== undefined,
    requireDurable: config.core.mode === 'production',
    pages,
    log,
    random: Math.random,
    failpoints: Failpoints.parse(config.test.failpoints),
  });
}

async function openEmbedded(config: Config, log: Logger, incarnation?: Incarnation): Promise<OpenStore> {
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
    incarnation: incarnation && (() => incarnation.name),
    cacheBytes: config.store.cacheBytes,
    failpoints,
    traceFd,
    unsafeNoSync: noSync,
  });
}
