import { isIP } from 'node:net';
import type { SslOptions } from 'mysql2';
import type { ConfigOf } from '../../core/config.ts';
import { FreshPem } from '../../core/fresh-pem.ts';
import { StoreError } from '../../ports/message-store.ts';
import { messageOf } from './failure.ts';
import type { mySqlOptions } from './options.ts';

export type MySqlConfig = ConfigOf<{ mysql: typeof mySqlOptions }>['mysql'];

/** Where the database is, and who signs in. */
export interface Server {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly ssl: SslOptions | undefined;
}

/** Reads PARLEY_MYSQL_URL and what belongs to it. Throws a StoreError `unavailable` that says what is wrong. */
export function serverOf(config: Pick<MySqlConfig, 'url' | 'tls' | 'caFile'>): Server {
  const url = parsed(config.url);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (url.hostname === '' || database === '' || database.includes('/'))
    throw problem('must name a host and a database: mysql://user:password@host:port/database');
  if (url.search !== '' || url.hash !== '') throw problem('takes nothing behind the database');
  // mysql2 can't check an address against a certificate: it would look for the name localhost in it.
  if (config.tls === 'verify' && isIP(url.hostname.replace(/[[\]]/g, '')) !== 0)
    throw problem('must name the host, not its address, where PARLEY_MYSQL_TLS is verify');
  return {
    // Brackets are how a URL writes an IPv6 address, not part of it.
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 3306 : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
    ssl: config.tls === 'off' ? undefined : sslOf(config.caFile),
  };
}

function parsed(text: string): URL {
  try {
    return new URL(text);
  } catch {
    // The text itself stays out of the message: it holds a password.
    throw problem('is no URL');
  }
}

function sslOf(caFile: string): SslOptions {
  const strict = { rejectUnauthorized: true, verifyIdentity: true, minVersion: 'TLSv1.2' };
  if (caFile === '') return strict;
  try {
    const authorities = new FreshPem(caFile);
    return {
      ...strict,
      get ca() {
        return authorities.current;
      },
    };
  } catch (cause) {
    throw new StoreError('unavailable', `PARLEY_MYSQL_CA_FILE can't be read: ${messageOf(cause)}`, cause);
  }
}

function problem(words: string): StoreError {
  return new StoreError('unavailable', `PARLEY_MYSQL_URL ${words}`);
}
