import { Cluster, Redis } from 'ioredis';
import { ConfigError } from '../../core/config.ts';
import type { Logger } from '../../core/log.ts';
import type { RedisClient } from './script.ts';

const usualPort = 6379;
/** A command that takes longer has failed: what Redis holds is never worth waiting for. */
const commandMs = 500;
const connectMs = 1_000;

const shared = {
  commandTimeout: commandMs,
  connectTimeout: connectMs,
  // A command fails at once while Redis is away, and none is kept for later.
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 6), 1_000),
} as const;

/**
 * A client for `redis://` and `rediss://` (one server, TLS), `redis+cluster://host:port,host:port` and
 * `redis+sentinel://host:port,host:port/name`; user, password and database as usual in URLs. It connects by itself,
 * again and again, and never keeps a caller waiting. Throws a ConfigError for any other text.
 */
export function redisClient(url: string, log: Logger): RedisClient {
  const client = open(url);
  let told = false;
  client.on('error', (error: Error) => {
    if (!told) log.warn('Redis is away', { 'event.action': 'redis-away' }, error);
    told = true;
  });
  client.on('ready', () => {
    if (told) log.info('Redis is back', { 'event.action': 'redis-back' });
    told = false;
  });
  return client;
}

function open(text: string): RedisClient {
  const match =
    /^(redis|rediss|redis\+cluster|redis\+sentinel):\/\/(?:([^:@]*)(?::([^@]*))?@)?([^/]+)(?:\/(.*))?$/.exec(
      text,
    );
  if (match === null)
    throw new ConfigError([
      'PARLEY_REDIS_URL must be redis://, rediss://, redis+cluster:// or redis+sentinel://',
    ]);
  const [, scheme, user = '', password = '', hosts = '', path = ''] = match;
  const nodes = hosts.split(',').map(hostAndPort);
  const [first] = nodes;
  const login = {
    ...(user === '' ? {} : { username: decodeURIComponent(user) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
  switch (scheme) {
    case 'redis+cluster':
      return new Cluster(nodes, {
        redisOptions: { ...login, commandTimeout: commandMs, connectTimeout: connectMs },
        enableOfflineQueue: false,
        clusterRetryStrategy: shared.retryStrategy,
      });
    case 'redis+sentinel':
      if (path === '')
        throw new ConfigError(['PARLEY_REDIS_URL must name the master: redis+sentinel://host/name']);
      return new Redis({ ...shared, ...login, sentinels: nodes, name: path });
    default:
      return new Redis({
        ...shared,
        ...login,
        ...first,
        ...(scheme === 'rediss' ? { tls: {} } : {}),
        ...(path === '' ? {} : { db: Number(path) }),
      });
  }
}

function hostAndPort(text: string): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(text);
  const port = Number(match?.[2] ?? usualPort);
  if (match?.[1] === undefined || port < 1 || port > 65_535)
    throw new ConfigError([`PARLEY_REDIS_URL: ${JSON.stringify(text)} is no host and port`]);
  return { host: match[1].replace(/^\[|\]$/g, ''), port };
}
