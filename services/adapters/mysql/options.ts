import { z } from 'zod';
import { option, type OptionTable } from '../../core/config.ts';

const tlsModes = ['off', 'verify'] as const;

export const mySqlOptions = {
  url: option({
    env: 'PARLEY_MYSQL_URL',
    type: z.string().refine((text) => text === '' || /^mysql:\/\//.test(text), {
      message: 'a URL like mysql://user:password@host:3306/database',
    }),
    default: '',
    doc: 'The MySQL or MariaDB that keeps the messages, as `mysql://user:password@host:port/database`; empty: the embedded store keeps them.',
    secret: true,
  }),
  tls: option<(typeof tlsModes)[number]>({
    env: 'PARLEY_MYSQL_TLS',
    type: z.enum(tlsModes),
    default: 'off',
    doc: 'Whether connections to the database are encrypted; `verify` refuses a server whose certificate or name is wrong.',
  }),
  caFile: option({
    env: 'PARLEY_MYSQL_CA_FILE',
    type: z.string(),
    default: '',
    doc: "PEM file with the authorities that may have signed the database's certificate; empty: those that Node knows.",
  }),
  commitConnections: option({
    env: 'PARLEY_MYSQL_COMMIT_CONNECTIONS',
    type: z.int().min(1).max(64),
    default: 4,
    doc: 'Connections on which batches are committed.',
  }),
  readConnections: option({
    env: 'PARLEY_MYSQL_READ_CONNECTIONS',
    type: z.int().min(2).max(256),
    default: 8,
    doc: 'Connections on which rows are read. Five more are for cursors, the outbox, the audit log, devices and the lease.',
  }),
  connectTimeoutMs: option({
    env: 'PARLEY_MYSQL_CONNECT_TIMEOUT_MS',
    type: z.int().min(100).max(60_000),
    default: 3_000,
    doc: 'How long a connection to the database may take to be made, in milliseconds.',
  }),
  commitTimeoutMs: option({
    env: 'PARLEY_MYSQL_COMMIT_TIMEOUT_MS',
    type: z.int().min(2_000).max(600_000),
    default: 10_000,
    doc: 'How long the database may take over a commit before its connection is given up, in milliseconds; a wait for a lock takes 1 s at most.',
  }),
  readTimeoutMs: option({
    env: 'PARLEY_MYSQL_READ_TIMEOUT_MS',
    type: z.int().min(100).max(600_000),
    default: 10_000,
    doc: 'How long a read may wait for a connection, and again for its rows, in milliseconds.',
  }),
} satisfies OptionTable;
