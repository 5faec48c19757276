import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../core/config.ts';
import { parseRedisUrl } from './redis-url.ts';

const usual = { kind: 'single', tls: false, username: undefined, password: undefined, db: 0, master: '' };

test('URLs of every kind', () => {
  const taken: [string, object][] = [
    ['redis://localhost', { hosts: [{ host: 'localhost', port: 6379 }] }],
    ['redis://[::1]:7000/2', { hosts: [{ host: '::1', port: 7000 }], db: 2 }],
    [
      'rediss://user:p%40ss%2F@host.example:6380/',
      { tls: true, username: 'user', password: 'p@ss/', hosts: [{ host: 'host.example', port: 6380 }] },
    ],
    ['redis://:secret@host', { password: 'secret', hosts: [{ host: 'host', port: 6379 }] }],
    [
      'redis+cluster://h1,h2:7001,h3',
      {
        kind: 'cluster',
        hosts: [
          { host: 'h1', port: 6379 },
          { host: 'h2', port: 7001 },
          { host: 'h3', port: 6379 },
        ],
      },
    ],
    [
      'rediss+sentinel://u:p@h1:26380,h2/main/3',
      {
        ...{ kind: 'sentinel', tls: true, username: 'u', password: 'p', master: 'main', db: 3 },
        hosts: [
          { host: 'h1', port: 26380 },
          { host: 'h2', port: 26379 },
        ],
      },
    ],
  ];
  for (const [url, expected] of taken) assert.deepEqual(parseRedisUrl(url), { ...usual, ...expected }, url);
});

test('what is no URL of Redis is refused, without showing the password', () => {
  const refused: [string, RegExp][] = [
    ['host:6379', /must be redis:\/\//],
    ['http://host', /must be/],
    ['redis://', /must be/],
    ['redis://:topsecret@', /must be/],
    ['redis://h1,h2', /several hosts/],
    ['redis://h1:0', /not one/],
    ['redis://h1:99999', /not one/],
    ['redis://:topsecret@h1:x', /not one/],
    ['redis://h1/db', /number of a database/],
    ['redis://h1/1/2', /number of a database/],
    ['redis+cluster://h1,h2/1', /a cluster does not have/],
    ['redis+sentinel://h1', /name of the master/],
    ['redis://u:%zz@h1', /percent-encoded/],
  ];
  for (const [url, expected] of refused) {
    assert.throws(
      () => parseRedisUrl(url),
      (error) =>
        error instanceof ConfigError && expected.test(error.message) && !error.message.includes('topsecret'),
      url,
    );
  }
});
