import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { backoffMs } from '../../core/backoff.ts';
import { ConfigError } from '../../core/config.ts';
import { FreshPem } from '../../core/fresh-pem.ts';
import type { RedisTarget } from './redis-url.ts';

export type RedisClient = Redis | Cluster;

export interface ConnectParts {
  readonly target: RedisTarget;
  readonly sentinelPassword: string;
  /** Whether sentinels speak TLS where the servers do. */
  readonly sentinelTls: 'on' | 'off';
  /** PEM file of the authorities that servers are trusted by; empty: the usual ones. */
  readonly caFile: string;
  readonly commandTimeoutMs: number;
  /** Shown in Redis's list of clients. */
  readonly name: string;
  readonly random: () => number;
}

const reconnect = { firstMs: 50, maxMs: 1_000 };
/** How often a cluster is asked who serves what: a replica that took over is else found by a command alone that needs it. */
const slotsEveryMs = 2_000;
/** Enough for a failover that moves a slot while a command is under way. */
const maxRedirections = 4;

/**
 * A client that tries to connect for ever, with growing distance, and keeps nothing for later: while it is not
 * connected commands fail at once, and those under way when the connection breaks fail instead of being sent again
 * (nobody could tell whether they were carried out). A Redis that accepts and says nothing is hung up on.
 */
export function connectRedis(parts: ConnectParts): RedisClient {
  const { target, commandTimeoutMs, random } = parts;
  const tls = target.tls ? secured(parts.caFile) : undefined;
  const retry = (times: number): number => backoffMs(times - 1, reconnect, random);
  const common = {
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
    ...(tls === undefined ? {} : { tls }),
    connectionName: parts.name,
    connectTimeout: 2 * commandTimeoutMs,
    commandTimeout: commandTimeoutMs,
    socketTimeout: 2 * commandTimeoutMs,
    autoResendUnfulfilledCommands: false,
    // ioredis leaves the rejection of its own attempt unhandled, which would end the process.
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
  } satisfies RedisOptions;
  if (target.kind === 'cluster') {
    const cluster = new Cluster([...target.hosts], {
      enableOfflineQueue: false,
      redisOptions: common,
      // ioredis would look the name up itself, and then compare the address with the certificate.
      ...(tls === undefined ? {} : { dnsLookup: (host, found) => found(null, host) }),
      clusterRetryStrategy: retry,
      // A master that restarts in its place changes no slot: nothing else would connect to it again.
      clusterNodeRetryStrategy: retry,
      slotsRefreshTimeout: 2 * commandTimeoutMs,
      maxRedirections,
      retryDelayOnFailover: 100,
      retryDelayOnClusterDown: 100,
    });
    askForSlots(cluster);
    return cluster;
  }
  const single = {
    ...common,
    db: target.db,
    enableOfflineQueue: false,
    retryStrategy: retry,
    reconnectOnError: leaveReplicas(),
  };
  const [first] = target.hosts;
  if (target.kind === 'single') return new Redis({ ...single, ...first });
  return new Redis({
    ...single,
    sentinels: [...target.hosts],
    name: target.master,
    sentinelRetryStrategy: retry,
    sentinelCommandTimeout: commandTimeoutMs,
    ...(parts.sentinelPassword === '' ? {} : { sentinelPassword: parts.sentinelPassword }),
    ...(tls === undefined ? {} : { enableTLSForSentinelMode: true }),
    ...(tls === undefined || parts.sentinelTls === 'off' ? {} : { sentinelTLS: tls }),
  });
}

/**
 * A former master still answers, but takes no writes: sentinels, or a name that leads elsewhere by now, know a better one.
 * Where they don't, reads go on over one connection for a while.
 */
function leaveReplicas(): (error: Error) => boolean {
  let leftAtMs = Number.NEGATIVE_INFINITY;
  return ({ message }) => {
    const nowMs = performance.now();
    // Scripts say it somewhere in the middle.
    if (!message.includes('READONLY') || nowMs - leftAtMs < reconnect.maxMs) return false;
    leftAtMs = nowMs;
    return true;
  };
}

/** Of clusters that have not been hung up on. */
const looks = new WeakMap<RedisClient, NodeJS.Timeout>();

/** ioredis would do so itself, and for ever, where it is hung up on while it asks: its timer would keep the process alive. */
function askForSlots(cluster: Cluster): void {
  const look = setInterval(() => {
    if (cluster.status === 'ready') cluster.refreshSlotsCache();
  }, slotsEveryMs);
  looks.set(cluster, look.unref());
}

/** Ends a client and all its attempts. */
export function hangUp(client: RedisClient): void {
  clearInterval(looks.get(client));
  client.removeAllListeners();
  // What still fails on the way out is nobody's concern any more; without a listener it would be printed.
  client.on('error', () => {});
  client.disconnect();
}

/** The file is read anew at each connection. Throws a ConfigError where it can't be. */
function secured(caFile: string): NonNullable<RedisOptions['tls']> {
  if (caFile === '') return {};
  let authorities: FreshPem;
  try {
    authorities = new FreshPem(caFile);
  } catch (error) {
    throw new ConfigError([`PARLEY_REDIS_CA_FILE must name a readable file: ${(error as Error).message}`]);
  }
  return {
    get ca() {
      return authorities.current;
    },
  };
}
