import { ConfigError } from '../../core/config.ts';

/** Where Redis is, and as what. */
export interface RedisTarget {
  readonly kind: 'single' | 'cluster' | 'sentinel';
  readonly tls: boolean;
  readonly hosts: readonly RedisHost[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Number of the database; 0 in a cluster. */
  readonly db: number;
  /** The name by which sentinels know the master; empty otherwise. */
  readonly master: string;
}

export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

const ports = { single: 6379, cluster: 6379, sentinel: 26379 } as const;
const shape =
  /^(?<scheme>rediss?)(?:\+(?<kind>cluster|sentinel))?:\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<hosts>[^@/?#]+)(?:\/(?<path>[^?#]*))?$/;
const hostShape = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<name>[^:[\]\s]+))(?::(?<port>\d{1,5}))?$/;

/**
 * Takes the URL of a single Redis (`redis://user:password@host:6379/2`), a cluster (`redis+cluster://h1,h2,h3`) or of
 * sentinels (`redis+sentinel://h1,h2/name`, `/name/2` for another database) apart; `rediss` instead of `redis` means
 * TLS. Throws a ConfigError, which never shows the URL, since a password may be in it.
 */
export function parseRedisUrl(url: string): RedisTarget {
  const match = shape.exec(url)?.groups;
  if (match === undefined) {
    throw problem(
      'must be redis://…, rediss://…, redis+cluster://host,host or redis+sentinel://host,host/name',
    );
  }
  const kind = (match.kind ?? 'single') as RedisTarget['kind'];
  const hosts = (match.hosts as string).split(',').map((text) => hostOf(text, ports[kind]));
  if (kind === 'single' && hosts.length > 1) throw problem('names several hosts: add +cluster or +sentinel');
  const path = (match.path ?? '').split('/').filter((part) => part !== '');
  const master = kind === 'sentinel' ? path.shift() : '';
  if (master === undefined)
    throw problem('must end with the name of the master: redis+sentinel://host,host/name');
  const [db = '0', ...rest] = path;
  if (!/^\d{1,4}$/.test(db) || rest.length > 0)
    throw problem('must end with the number of a database, or nothing');
  if (kind === 'cluster' && db !== '0') throw problem('names a database, which a cluster does not have');
  return {
    kind,
    tls: match.scheme === 'rediss',
    hosts,
    username: decoded(match.user),
    password: decoded(match.password),
    db: Number(db),
    master,
  };
}

function hostOf(text: string, usual: number): RedisHost {
  const match = hostShape.exec(text)?.groups;
  const port = match?.port === undefined ? usual : Number(match.port);
  const host = match?.v6 ?? match?.name;
  if (host === undefined || port < 1 || port > 65_535) throw problem('names a host that is not one');
  return { host, port };
}

function decoded(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    throw problem('has a user or password that is not percent-encoded rightly');
  }
}

function problem(words: string): ConfigError {
  return new ConfigError([`PARLEY_REDIS_URL ${words}`]);
}
