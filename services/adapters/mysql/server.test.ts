import assert from 'node:assert/strict';
import { it } from 'node:test';
import { StoreError } from '../../ports/message-store.ts';
import { serverOf } from './server.ts';
import { assertDurable, assertUsable, assertWritable, traitsOf } from './traits.ts';

const plain = { tls: 'off', caFile: '' } as const;

it('a URL says where the database is and who signs in', () => {
  assert.deepEqual(serverOf({ ...plain, url: 'mysql://par%40ley:p%2Fw%3A@db.example:3307/chat' }), {
    host: 'db.example',
    port: 3307,
    user: 'par@ley',
    password: 'p/w:',
    database: 'chat',
    ssl: undefined,
  });
  assert.equal(serverOf({ ...plain, url: 'mysql://u@[::1]/chat' }).host, '::1');
  assert.equal(serverOf({ ...plain, url: 'mysql://u@db/chat' }).port, 3306);
});

it('a URL that is none is refused, and not shown', () => {
  const bad = [
    'mysql://',
    'mysql://u:secret@db',
    'mysql://u:secret@db/',
    'mysql://u:secret@db/a/b',
    'mysql://u:secret@db/a?x=y',
    'mysql://u:secret@db:port/a',
  ];
  for (const url of bad)
    assert.throws(
      () => serverOf({ ...plain, url }),
      (error) =>
        error instanceof StoreError &&
        /PARLEY_MYSQL_URL/.test(error.message) &&
        !/secret/.test(error.message),
      url,
    );
  assert.throws(
    () => serverOf({ url: 'mysql://u@10.0.0.1/a', tls: 'verify', caFile: '' }),
    /must name the host/,
  );
  assert.equal(serverOf({ url: 'mysql://u@db/a', tls: 'verify', caFile: '' }).ssl?.rejectUnauthorized, true);
});

it('traits are read as MySQL and MariaDB tell them', () => {
  const mysql = traitsOf([
    ['version', '8.0.40'],
    ['version_comment', 'MySQL Community Server - GPL'],
    ['max_allowed_packet', '67108864'],
    ['innodb_flush_log_at_trx_commit', '1'],
    ['log_bin', 'ON'],
    ['sync_binlog', '1'],
    ['binlog_format', 'ROW'],
  ]);
  assert.deepEqual(
    [mysql.mariaDb, mysql.galera, mysql.maxPacketBytes, mysql.binlog],
    [false, false, 67_108_864, true],
  );
  assertDurable(mysql);
  assertUsable(mysql);
  assert.throws(() => assertDurable({ ...mysql, syncBinlog: '0' }), /sync_binlog is 0/);
  assertDurable({ ...mysql, binlog: false, syncBinlog: '0' });
  assert.throws(() => assertDurable({ ...mysql, flushAtCommit: '0' }), /innodb_flush_log_at_trx_commit is 0/);
  assert.throws(() => assertUsable({ ...mysql, binlogFormat: 'STATEMENT' }), /binlog_format/);
  assert.equal(
    traitsOf([
      ['version', '10.11.6-MariaDB'],
      ['wsrep_on', 'ON'],
    ]).galera,
    true,
  );
});

it('a server that takes no writes is refused, whatever it calls that', () => {
  assertWritable([]);
  for (const [name, value] of [
    ['read_only', 'ON'],
    ['read_only', 'NO_LOCK_NO_ADMIN'],
    ['innodb_read_only', '1'],
  ] as const) {
    assert.throws(() => assertWritable([[name, value]]), new RegExp(`${name} is ${value}`));
    assertWritable([[name, 'OFF']]);
  }
  const galera = (on: string, ready: string) =>
    assertWritable([
      ['wsrep_on', on],
      ['wsrep_ready', ready],
    ]);
  galera('ON', 'ON');
  // A program with Galera that is not in use is never ready.
  galera('OFF', 'OFF');
  assert.throws(() => galera('ON', 'OFF'), /wsrep_ready is OFF/);
});
