import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { silentLogger } from '../../core/log.ts';
import { StoreError } from '../../ports/message-store.ts';
import { firstKey, secondKey } from '../../ports/message-store-conformance/fixture.ts';
import {
  commit,
  conversation,
  createDirect,
  failsWith,
} from '../../ports/message-store-conformance/samples.ts';
import { Database } from './database.ts';
import { openMySqlStore } from './mysql-store.ts';
import { freePort } from '../../../test/engines/free-port.ts';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

function saying(words: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof StoreError && error.kind === 'unavailable' && words.test(error.message);
}

describe('opening', () => {
  it('makes one store, however many begin at once', async () => {
    const schema = await database.schema();
    const stores = await Promise.all(Array.from({ length: 6 }, () => database.open(schema)));
    assert.equal(new Set(stores.map(({ epoch }) => epoch)).size, 1);
    assert.equal(
      new Set(stores.map(({ clientKeySecret }) => Buffer.from(clientKeySecret).toString('hex'))).size,
      1,
    );
    await Promise.all(stores.map((store) => store.close()));
  });

  it('begins a migration anew that was cut off', async () => {
    const schema = await database.schema();
    await (await database.open(schema)).close();
    await using admin = await database.admin(schema);
    const versions = await admin.ask('SELECT version FROM schema_version');
    await admin.ask('DELETE FROM schema_version;DROP TABLE outbox');
    await using store = await database.open(schema);
    assert.deepEqual(await commit(store, createDirect(conversation('d_talk'))), ['committed']);
    assert.deepEqual(await admin.ask('SELECT version FROM schema_version'), versions);
  });

  it('refuses tables of a newer program', async () => {
    const schema = await database.schema();
    await (await database.open(schema)).close();
    await using admin = await database.admin(schema);
    await admin.ask('INSERT INTO schema_version VALUES (99)');
    await assert.rejects(database.open(schema), saying(/version 99.*start a newer one/));
  });

  it('goes on with tables of a newer program which say that this one may', async () => {
    const schema = await database.schema();
    await (await database.open(schema)).close();
    await using admin = await database.admin(schema);
    const known = Number((await admin.ask('SELECT MAX(version) FROM schema_version'))[0]?.[0]);
    const runsWith = (version: number, oldest: number) =>
      admin.ask(`REPLACE INTO schema_runs_with (version, oldest) VALUES (${version}, ${oldest})`);
    await admin.ask('INSERT INTO schema_version (version) VALUES (98), (99)');
    await runsWith(98, known);
    await assert.rejects(database.open(schema), saying(/version 99.*start a newer one/));
    await runsWith(99, known + 1);
    await assert.rejects(database.open(schema), saying(/version 99.*start a newer one/));
    await runsWith(99, known);
    await using store = await database.open(schema);
    assert.deepEqual(await commit(store, createDirect(conversation('d_talk'))), ['committed']);
    assert.deepEqual(await admin.ask('SELECT MAX(version) FROM schema_version'), [[99]]);
  });

  it('refuses a key that is not the one of this store, and does not take it for one of its own', async () => {
    const schema = await database.schema();
    await (await database.open(schema)).close();
    for (const masterKeys of [[secondKey], [{ ...firstKey, key: secondKey.key }]])
      await assert.rejects(database.open(schema, { masterKeys }), failsWith('unavailable'));
    await (await database.open(schema)).close();
  });

  it('makes nothing where a store must be there', async () => {
    const schema = await database.schema();
    await assert.rejects(database.open(schema, { mustExist: true }), saying(/no store in this database/));
    await using admin = await database.admin(schema);
    assert.deepEqual(await admin.ask('SHOW TABLES'), []);
  });

  it('says what is wrong with the server, the database, or who signs in', async () => {
    const schema = await database.schema();
    const at = (url: string) => database.open(schema, { config: database.config(schema, { url }) });
    const port = await freePort();
    await assert.rejects(at(`mysql://root@127.0.0.1:${port}/${schema}`), saying(/ECONNREFUSED/));
    await assert.rejects(at(`mysql://root@127.0.0.1:${database.port}/nowhere`), saying(/Unknown database/));
    await assert.rejects(at(`mysql://nobody:secret@127.0.0.1:${database.port}/${schema}`), (error) => {
      assert.ok(error instanceof StoreError);
      assert.match(error.message, /Access denied/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });
});

describe('a database that is not durable at commit', () => {
  it('is refused where that is asked for, also when it changes later', async () => {
    const schema = await database.schema();
    await using admin = await database.admin(schema);
    await using open = await database.open(schema);
    await admin.ask('SET GLOBAL innodb_flush_log_at_trx_commit = 2');
    try {
      await assert.rejects(database.open(schema), saying(/innodb_flush_log_at_trx_commit is 2/));
      await using lax = await database.open(schema, { requireDurable: false });
      assert.deepEqual(await commit(lax, createDirect(conversation('d_lax'))), ['committed']);
      // Its first commit needs a new connection, which looks again.
      await assert.rejects(commit(open, createDirect(conversation('d_talk'))), saying(/innodb_flush_log/));
    } finally {
      await admin.ask('SET GLOBAL innodb_flush_log_at_trx_commit = 1');
    }
    assert.deepEqual(await commit(open, createDirect(conversation('d_talk'))), ['committed']);
  });

  it('is one whose binlog is not synced, or is written as statements', async () => {
    await using binlogged = await TestDatabase.start('--log-bin=binlog', '--server-id=1', '--sync-binlog=0');
    const schema = await binlogged.schema();
    await assert.rejects(binlogged.open(schema), saying(/sync_binlog is 0/));
    await using admin = await binlogged.admin(schema);
    await admin.ask("SET GLOBAL sync_binlog = 1;SET GLOBAL binlog_format = 'STATEMENT'");
    await assert.rejects(binlogged.open(schema), saying(/binlog_format to ROW/));
    await admin.ask("SET GLOBAL binlog_format = 'MIXED'");
    await using store = await binlogged.open(schema);
    assert.deepEqual(await commit(store, createDirect(conversation('d_talk'))), ['committed']);
  });
});

describe('a database with a time zone of its own', () => {
  it('is asked for the time in UTC by every kind of session', async () => {
    await using elsewhere = await TestDatabase.start('--default-time-zone=-08:00');
    const schema = await elsewhere.schema();
    const parts = { config: elsewhere.config(schema), requireDurable: true };
    await using admin = await elsewhere.admin(schema);
    assert.deepEqual(await admin.ask('SELECT @@session.time_zone'), [['-08:00']]);
    const opened = await Database.open(parts);
    for (const pool of [opened.commits, opened.reads, opened.background, opened.users, opened.leases])
      assert.deepEqual(await pool.run((session) => session.query('SELECT @@session.time_zone', 10_000)), [
        { rows: [['+00:00']], changed: 0 },
      ]);
    await opened.close();
  });
});

describe('TLS', () => {
  it('trusts who was signed by the authority named, and nobody else', async () => {
    await using secure = await TestDatabase.start();
    const [ca, otherCa] = [path.join(secure.directory, 'ca.pem'), path.join(secure.directory, 'other.pem')];
    await makeCertificates(secure.directory);
    await secure.down('SIGTERM');
    await secure.up(
      `--ssl-ca=${ca}`,
      `--ssl-cert=${path.join(secure.directory, 'server.pem')}`,
      `--ssl-key=${path.join(secure.directory, 'server.key')}`,
      '--require-secure-transport=ON',
    );
    const schema = 'secure';
    const at = (host: string, name = schema) => ({ url: `mysql://root@${host}:${secure.port}/${name}` });
    const open = (fields: object) =>
      openMySqlStore({
        config: secure.config(schema, { ...at('localhost'), ...fields }),
        masterKeys: [firstKey],
        incarnation: () => 'test',
        outbox: true,
        requireDurable: true,
        log: silentLogger,
        random: Math.random,
      });
    const admin = await secure.adminOf({
      ...secure.config('mysql'),
      ...at('localhost', 'mysql'),
      tls: 'verify',
      caFile: ca,
    });
    await admin.ask('CREATE DATABASE secure');
    assert.match(String((await admin.ask("SHOW STATUS LIKE 'Ssl_version'"))[0]?.[1]), /TLSv1\.[23]/);
    await admin[Symbol.asyncDispose]();
    await (await open({ tls: 'verify', caFile: ca })).close();
    await assert.rejects(open({ tls: 'verify', caFile: otherCa }), failsWith('unavailable'));
    await assert.rejects(open({ tls: 'verify' }), failsWith('unavailable'));
    await assert.rejects(
      open({ ...at('127.0.0.1'), tls: 'verify', caFile: ca }),
      saying(/must name the host/),
    );
    await assert.rejects(open({ tls: 'off' }), failsWith('unavailable'));
    await assert.rejects(
      open({ tls: 'verify', caFile: '/nowhere' }),
      saying(/PARLEY_MYSQL_CA_FILE can't be read/),
    );
  });
});

/** An authority, a certificate of localhost that it signed, and an authority that signed nothing. */
async function makeCertificates(directory: string): Promise<void> {
  const openssl = (...args: readonly string[]) => promisify(execFile)('openssl', args, { cwd: directory });
  for (const name of ['ca', 'other'])
    await openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
    );
  await openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'server.key',
    '-out',
    'server.csr',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost',
  );
  await openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '2',
    '-copy_extensions',
    'copy',
    '-out',
    'server.pem',
  );
}
