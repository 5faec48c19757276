import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openEmbeddedStore } from '../adapters/embedded/embedded-store.ts';
import { levelDirectory } from '../adapters/embedded/store-thread.ts';
import { openMySqlStore } from '../adapters/mysql/mysql-store.ts';
import { silentLogger } from '../core/log.ts';
import type { MasterKey } from '../core/seal.ts';
import { storeDirectory } from '../open-store.ts';
import type { Config } from '../options.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import { type MessageStore, StoreError } from '../ports/message-store.ts';

type ByHandConfig = Pick<Config, 'core' | 'mysql'>;

/**
 * The store that is there, opened by somebody at a terminal who serves nobody. Rejects with a StoreError where there is
 * none, or another process has it.
 */
export async function openByHand(
  config: ByHandConfig,
  masterKeys: readonly MasterKey[],
): Promise<MessageStore & { readonly audit: AuditLog }> {
  if (config.mysql.url !== '')
    return openMySqlStore({
      config: config.mysql,
      masterKeys,
      incarnation: () => 'by hand',
      outbox: false,
      requireDurable: false,
      mustExist: true,
      log: silentLogger,
      random: Math.random,
    });
  const directory = storeDirectory(config);
  assertThere(directory);
  return openEmbeddedStore({ directory, masterKeys });
}

/** Throws a StoreError where a server would make a store: by hand, only what is there is opened. */
export function assertThere(directory: string): void {
  if (!existsSync(join(directory, levelDirectory)))
    throw new StoreError('unavailable', `there is no store in ${directory}`);
}
