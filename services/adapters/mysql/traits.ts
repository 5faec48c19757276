import { StoreError } from '../../ports/message-store.ts';
import type { Row } from './session.ts';

/** What the server is like, as far as it matters here. */
export interface ServerTraits {
  readonly mariaDb: boolean;
  /** Replicates synchronously; reads must wait until what was committed elsewhere has arrived. */
  readonly galera: boolean;
  /** Bytes of a packet, at most. */
  readonly maxPacketBytes: number;
  readonly flushAtCommit: string;
  readonly binlog: boolean;
  readonly syncBinlog: string;
  readonly binlogFormat: string;
}

const names = [
  'version',
  'version_comment',
  'wsrep_on',
  'max_allowed_packet',
  'innodb_flush_log_at_trx_commit',
  'log_bin',
  'sync_binlog',
  'binlog_format',
  'read_only',
  'innodb_read_only',
] as const;

/** Galera alone has the status; a node without a majority answers this, and nothing else. */
export const traitsQuery = `SHOW VARIABLES WHERE Variable_name IN (${names.map((name) => `'${name}'`).join(',')});SHOW STATUS LIKE 'wsrep_ready'`;

export function traitsOf(rows: readonly Row[]): ServerTraits {
  const values = valuesOf(rows);
  const on = (name: (typeof names)[number]) => /^(on|1)$/i.test(values.get(name) ?? '');
  return {
    mariaDb: /mariadb/i.test(`${values.get('version')} ${values.get('version_comment')}`),
    galera: on('wsrep_on'),
    maxPacketBytes: Number(values.get('max_allowed_packet') ?? 1_048_576),
    flushAtCommit: values.get('innodb_flush_log_at_trx_commit') ?? '?',
    binlog: on('log_bin'),
    syncBinlog: values.get('sync_binlog') ?? '?',
    binlogFormat: (values.get('binlog_format') ?? 'ROW').toUpperCase(),
  };
}

/** Throws where a server loses, at a crash, what it has called committed. */
export function assertDurable({ flushAtCommit, binlog, syncBinlog }: ServerTraits): void {
  if (flushAtCommit !== '1')
    throw new StoreError(
      'unavailable',
      `the database is not durable at commit: innodb_flush_log_at_trx_commit is ${flushAtCommit}, it must be 1`,
    );
  if (binlog && syncBinlog !== '1')
    throw new StoreError(
      'unavailable',
      `the database is not durable at commit: it writes a binlog and sync_binlog is ${syncBinlog}, it must be 1`,
    );
}

/** Throws where the isolation level of commits is not to be had. */
export function assertUsable({ binlog, binlogFormat }: ServerTraits): void {
  if (binlog && binlogFormat === 'STATEMENT')
    throw new StoreError(
      'unavailable',
      'the database writes its binlog as STATEMENT; set binlog_format to ROW',
    );
}

/** Throws where others are written to: whoever reads here misses it. */
export function assertWritable(rows: readonly Row[]): void {
  const values = valuesOf(rows);
  // MariaDB knows more ways to be read-only than one.
  const off = (value: string) => /^(off|0)$/i.test(value);
  const why = ['read_only', 'innodb_read_only'].filter((name) => !off(values.get(name) ?? 'OFF'));
  if (/^(on|1)$/i.test(values.get('wsrep_on') ?? '') && off(values.get('wsrep_ready') ?? 'ON'))
    why.push('wsrep_ready');
  if (why.length > 0)
    throw new StoreError(
      'unavailable',
      `the database takes no writes: ${why.map((name) => `${name} is ${values.get(name)}`).join(', ')}`,
    );
}

function valuesOf(rows: readonly Row[]): ReadonlyMap<string, string> {
  return new Map(rows.map(([name, value]) => [String(name).toLowerCase(), String(value)]));
}
