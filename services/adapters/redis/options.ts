import { z } from 'zod';
import { option, type OptionTable } from '../../core/config.ts';

const sentinelTlsModes = ['on', 'off'] as const;

export const directoryOptions = {
  redisUrl: option({
    env: 'PARLEY_REDIS_URL',
    type: z.string(),
    default: '',
    doc: 'Where the directory is: `redis://`, `rediss://` (TLS), `redis+cluster://h1:6379,h2:6379` or `redis+sentinel://h1:26379,h2:26379/name`, with `user:password@` in front of the hosts. Empty: in the process itself, which then is the only one.',
    secret: true,
  }),
  sentinelPassword: option({
    env: 'PARLEY_REDIS_SENTINEL_PASSWORD',
    type: z.string(),
    default: '',
    doc: 'Password of the sentinels, where they have one.',
    secret: true,
  }),
  sentinelTls: option<(typeof sentinelTlsModes)[number]>({
    env: 'PARLEY_REDIS_SENTINEL_TLS',
    type: z.enum(sentinelTlsModes),
    default: 'on',
    doc: 'Whether the sentinels of `rediss+sentinel://` speak TLS, as the servers that they watch do; `off`: they are asked in clear.',
  }),
  caFile: option({
    env: 'PARLEY_REDIS_CA_FILE',
    type: z.string(),
    default: '',
    doc: 'PEM file with the authorities that may have signed the certificate of Redis; empty: those that Node knows.',
  }),
  keyPrefix: option({
    env: 'PARLEY_REDIS_PREFIX',
    type: z
      .string()
      .regex(/^[a-z0-9][a-z0-9:_-]{0,31}$/)
      .describe('1 to 32 lower-case letters, digits, `:`, `_` and `-`'),
    default: 'parley',
    doc: 'What keys and channels in Redis begin with; several deployments may share a Redis under different ones.',
  }),
  commandTimeoutMs: option({
    env: 'PARLEY_REDIS_TIMEOUT_MS',
    type: z.int().min(50).max(1_000),
    default: 500,
    doc: 'How long Redis may take to answer, in milliseconds; after twice that without a word it is connected to anew.',
  }),
  maxPending: option({
    env: 'PARLEY_REDIS_MAX_PENDING',
    type: z.int().min(100),
    default: 10_000,
    doc: 'Commands to Redis that wait for their answer, at most; further ones are refused.',
  }),
  leaseMs: option({
    env: 'PARLEY_NODE_LEASE_MS',
    type: z.int().min(300).max(60_000),
    default: 1_500,
    doc: 'After how long a node that does not renew its lease is taken for gone, in milliseconds; renewed three times as often.',
  }),
  sessionTtlMs: option({
    env: 'PARLEY_SESSION_TTL_MS',
    type: z.int().min(1_000),
    default: 90_000,
    doc: 'How long the sessions of a node that died count as online for services, in milliseconds.',
  }),
  revocationPollMs: option({
    env: 'PARLEY_REVOCATION_POLL_MS',
    type: z.int().min(50).max(60_000),
    default: 1_000,
    doc: 'How often nodes look for revoked tokens, in milliseconds; mostly they hear of them at once.',
  }),
  pageTtlMs: option({
    env: 'PARLEY_PAGE_CACHE_TTL_MS',
    type: z.int().min(1_000),
    default: 3_600_000,
    doc: 'How long pages of history stay in the shared cache, in milliseconds.',
  }),
  pageBytes: option({
    env: 'PARLEY_PAGE_CACHE_PAGE_BYTES',
    type: z
      .int()
      .min(1_024)
      .max(8 * 1024 * 1024),
    default: 256 * 1024,
    doc: 'Pages of history above this size are not put into the shared cache.',
  }),
  pageCacheBytes: option({
    env: 'PARLEY_PAGE_CACHE_BYTES',
    type: z.int().min(1_048_576),
    default: 16 * 1024 * 1024,
    doc: 'Bytes of pages on their way to Redis, at most; without Redis, bytes of the cache.',
  }),
} satisfies OptionTable;
