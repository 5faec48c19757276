import { z } from 'zod';
import { adminClientOptions } from './admin/client-options.ts';
import { adminOptions } from './admin/options.ts';
import { bridgeOptions } from '../bridge/options.ts';
import { upstreamOptions } from '../bridge/upstream-options.ts';
import { mySqlOptions } from './adapters/mysql/options.ts';
import { archiveOptions } from './archive/options.ts';
import { clusterOptions } from './cluster-options.ts';
import { directoryOptions } from './adapters/redis/options.ts';
import { nodeOptions } from './connect/options.ts';
import { connectionOptions } from './connection/options.ts';
import { authOptions } from './connection/token-secrets.ts';
import { certificateOptions } from './core/certificate-watch.ts';
import { type ConfigOf, option, type OptionTable } from './core/config.ts';
import { coreOptions } from './core/core-options.ts';
import { linkTlsOptions } from './core/link-tls.ts';
import { logOptions } from './core/log.ts';
import { telemetryOptions } from './core/telemetry-options.ts';
import { traceOptions } from './core/trace-options.ts';
import { grpcOptions } from './grpc/grpc-options.ts';
import { kafkaOptions } from './kafka-options.ts';
import { messageOptions } from './message/options.ts';
import { devicePushOptions } from './push/device-options.ts';
import { pushOptions } from './push/options.ts';
import { pushProviderOptions } from './push/providers/options.ts';

export const storeOptions = {
  masterKeys: option({
    env: 'PARLEY_MASTER_KEYS',
    type: z.string(),
    default: '',
    doc: 'Keys that seal what is stored, as `1:64-hex-digits`, comma separated; the highest number seals, all open. Empty: a file `master.keys` in the data directory, made on first start.',
    secret: true,
  }),
  sealingKey: option<number | undefined>({
    env: 'PARLEY_SEALING_KEY',
    type: z.int().min(1).optional(),
    default: undefined,
    doc: 'Number of the master key that seals, where it is not the highest: while nodes that share a database are given another one, so that none seals with a key which the next one lacks.',
  }),
  cacheBytes: option({
    env: 'PARLEY_STORE_CACHE_BYTES',
    type: z.int().min(1_048_576),
    default: 32 * 1024 * 1024,
    doc: 'Memory for blocks of the embedded store.',
  }),
} satisfies OptionTable;

const processOptions = {
  drainMs: option({
    env: 'PARLEY_DRAIN_MS',
    type: z.int().min(0),
    default: 3_000,
    doc: 'How long a node that stops gives its sessions to go elsewhere, in milliseconds.',
  }),
} satisfies OptionTable;

/** For tests alone; they make a server slower, crash or lie. */
const testOptions = {
  failpoints: option({
    env: 'PARLEY_FAILPOINTS',
    type: z.string(),
    default: '',
    doc: 'For tests: points at which the process crashes, freezes, waits or fails.',
  }),
  traceFd: option<number | undefined>({
    env: 'PARLEY_TEST_TRACE_FD',
    type: z.int().min(1).optional(),
    default: undefined,
    doc: 'For tests: descriptor that gets a line with batch and entries before each synced write.',
  }),
  noSync: option({
    env: 'PARLEY_TEST_NO_SYNC',
    type: z.boolean(),
    default: false,
    doc: 'For tests: acknowledges without fsync, so that a suite can show that it notices.',
  }),
} satisfies OptionTable;

/** The options of all parts. */
export const optionTables = {
  core: coreOptions,
  auth: authOptions,
  log: logOptions,
  telemetry: telemetryOptions,
  trace: traceOptions,
  store: storeOptions,
  mysql: mySqlOptions,
  directory: directoryOptions,
  archive: archiveOptions,
  message: messageOptions,
  connection: connectionOptions,
  push: pushOptions,
  devicePush: devicePushOptions,
  pushProviders: pushProviderOptions,
  kafka: kafkaOptions,
  grpc: grpcOptions,
  bridge: bridgeOptions,
  node: nodeOptions,
  cluster: clusterOptions,
  linkTls: linkTlsOptions,
  tls: certificateOptions,
  upstream: upstreamOptions,
  admin: adminOptions,
  adminClient: adminClientOptions,
  process: processOptions,
  test: testOptions,
};

export type Config = ConfigOf<typeof optionTables>;
