import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { askSql, MariaDb } from '../../test/engines/mariadb.ts';
import { RedisServer } from '../../test/engines/redis-server.ts';
import { kafka } from '../../test/engines/shared.ts';
import { SmallDisk } from '../../test/engines/small-disk.ts';
import { Authority } from '../../test/helpers/certificates.ts';
import { openStore } from '../open-store.ts';
import { silentLogger } from '../core/log.ts';
import { loadConfig } from '../core/config.ts';
import { optionTables } from '../options.ts';
import { examine } from './doctor.ts';
import type { Finding, Severity } from './finding.ts';
import { lookAtCertificates } from './look-at-certificates.ts';
import { lookAtDatabase } from './look-at-database.ts';
import { lookAtMachine } from './look-at-machine.ts';
import { lookAtRedis } from './look-at-redis.ts';

/** What the doctor says of real things that are really broken. */

const random = 'q8Zt3vKx0bNf7LmPw2YcRj5HsGdAe9Uo4iTnVyXkBhWzQ1S6';
const configOf = (env: Record<string, string>) =>
  loadConfig(optionTables, {
    PARLEY_DATA_DIR: join(tmpdir(), 'no such directory of parley'),
    PARLEY_TOKEN_SECRET: random,
    PARLEY_CLUSTER_TOKEN: random,
    PARLEY_MASTER_KEYS: `1:${'0123456789abcdef'.repeat(4)}`,
    PARLEY_HTTP_PORT: '0',
    PARLEY_WS_PORT: '0',
    PARLEY_GRPC_PORT: '0',
    PARLEY_NODE_PORT: '0',
    PARLEY_LINK_PORT: '0',
    PARLEY_METRICS_PORT: '0',
    ...env,
  });

/** That there is such a finding, and what to do about it. */
function says(findings: readonly Finding[], severity: Severity, found: RegExp, advice = /./): void {
  const told = findings.map((each) => `${each.severity} ${each.part}: ${each.found} → ${each.advice}`);
  const those = findings.filter((each) => each.severity === severity && found.test(each.found));
  assert.ok(those.length > 0, `no ${severity} ${found} among\n${told.join('\n')}`);
  if (severity !== 'ok') for (const one of those) assert.match(one.advice, advice);
}

function saysNo(findings: readonly Finding[], severity: Severity): void {
  assert.deepEqual(
    findings.filter((each) => each.severity === severity),
    [],
  );
}

describe('the doctor, of a database', () => {
  let database: MariaDb;
  let url: string;
  before(async () => {
    database = await MariaDb.start();
    await askSql(database.port, 'CREATE DATABASE parley');
    url = `mysql://root@127.0.0.1:${database.port}/parley`;
  });
  after(() => database[Symbol.asyncDispose]());
  const look = (of = url) => lookAtDatabase(configOf({ PARLEY_MYSQL_URL: of }));

  it('says that there is no store yet, and changes nothing', async () => {
    const findings = await look();
    says(findings, 'warning', /no store in the database yet/);
    saysNo(findings, 'error');
    assert.deepEqual(await askSql(database.port, 'SHOW TABLES FROM parley'), []);
  });

  it('finds a whole store in order, and tables of another version', async () => {
    const store = await openStore(configOf({ PARLEY_MYSQL_URL: url }), silentLogger);
    await store.close();
    const findings = await look();
    says(findings, 'ok', /tables are of version \d+, as they should be/);
    says(findings, 'ok', /on the disk before they are confirmed/);
    saysNo(findings, 'error');
    await askSql(database.port, 'INSERT INTO parley.schema_version VALUES (99)');
    says(await look(), 'error', /version 99, this program knows/, /newer version/);
    await askSql(database.port, 'DELETE FROM parley.schema_version WHERE version > 1');
    says(await look(), 'warning', /version 1, this program knows/, /brings them up to date/);
  });

  it('says that commits are not durable', async () => {
    await askSql(database.port, 'SET GLOBAL innodb_flush_log_at_trx_commit = 2');
    says(await look(), 'error', /innodb_flush_log_at_trx_commit is 2/, /innodb_flush_log_at_trx_commit=1/);
    await askSql(database.port, 'SET GLOBAL innodb_flush_log_at_trx_commit = 1');
    saysNo(await look(), 'error');
  });

  it('tells a wrong password from a database that is away, and shows neither', async () => {
    await askSql(database.port, "CREATE USER parley@'127.0.0.1' IDENTIFIED BY 'right'");
    const wrong = await look(`mysql://parley:wrong-password@127.0.0.1:${database.port}/parley`);
    says(wrong, 'error', /Access denied/i, /password in PARLEY_MYSQL_URL/);
    assert.ok(!JSON.stringify(wrong).includes('wrong-password'));
    await database.kill();
    says(await look(), 'error', /ECONNREFUSED/, /Start the database/);
  });
});

describe('the doctor, of Redis', () => {
  it('finds what may forget too much, a wrong password, and one that is away', async () => {
    await using redis = await RedisServer.start();
    const look = (url = redis.url) => lookAtRedis(configOf({ PARLEY_REDIS_URL: url }));
    saysNo(await look(), 'error');
    await redis.ask('CONFIG', 'SET', 'maxmemory', '64mb');
    says(await look(), 'warning', /noeviction/, /volatile-lru/);
    await redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    says(await look(), 'error', /allkeys-lru/, /volatile-lru/);
    await redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru');
    const well = await look();
    saysNo(well, 'error');
    saysNo(well, 'warning');
    await redis.ask('CONFIG', 'SET', 'appendonly', 'no');
    says(await look(), 'warning', /keeps nothing on disk/, /appendonly yes/);
    await redis.ask('CONFIG', 'SET', 'requirepass', 'right');
    says(
      await look(redis.url.replace('//', '//:wrong@')),
      'error',
      /WRONGPASS/,
      /password in PARLEY_REDIS_URL/,
    );
    await redis.kill();
    says(await look(), 'error', /ECONNREFUSED/, /Start Redis/);
  });
});

describe('the doctor, of Kafka', () => {
  it('finds brokers, a topic that is yet to be made, and brokers that are away', async () => {
    await using topics = await kafka();
    const of = (brokers: string) =>
      examine(configOf({ PARLEY_KAFKA_BROKERS: brokers, PARLEY_KAFKA_PREFIX: topics.prefix }));
    const well = (await of(topics.brokers.join(','))).filter(({ part }) => part === 'kafka');
    says(well, 'ok', /Kafka answers, with 1 broker/);
    says(well, 'warning', /no topic .*\.events yet/);
    says(await of('127.0.0.1:1'), 'error', /ECONNREFUSED|connect/i, /Start the brokers/);
  });
});

describe('the doctor, of certificates', () => {
  it('finds expired, early, foreign and unreadable ones, and keys of others', async () => {
    await using authority = await Authority.make();
    await using foreign = await Authority.make();
    for (const name of ['m1', 'm2']) await authority.sign(name, { days: [-0.5, 1.5] });
    const own = authority.files('m1');
    const look = (cert: string, key: string, ca: string, nowMs = Date.now()) =>
      lookAtCertificates(
        configOf({ PARLEY_LINK_TLS_CERT: cert, PARLEY_LINK_TLS_KEY: key, PARLEY_LINK_TLS_CA: ca }),
        nowMs,
      );
    const dayMs = 86_400_000;
    says(await look(own.cert, own.key, own.ca), 'warning', /expires on .*, in 1 days/, /Renew/);
    says(await look(own.cert, own.key, own.ca, Date.now() + 3 * dayMs), 'error', /has expired/, /Renew/);
    says(await look(own.cert, own.key, own.ca, Date.now() - dayMs), 'error', /not valid before/, /clock/);
    const other = authority.files('m2');
    says(await look(own.cert, other.key, own.ca), 'error', /key of another certificate/);
    says(
      await look(own.cert, own.key, foreign.files('ca').ca),
      'error',
      /no authority in/,
      /authority of this cluster/,
    );
    says(await look(`${own.cert}.gone`, own.key, own.ca), 'error', /can't be read: ENOENT/);
    const empty = await authority.write('empty.pem', 'nothing');
    says(await look(empty, own.key, own.ca), 'error', /holds no certificate/);
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const garbled = await authority.write('garbled.pem', broken);
    const found = await look(own.cert, own.key, garbled);
    says(found, 'error', /PARLEY_LINK_TLS_CA: .* can't be read/);
    says(found, 'warning', /PARLEY_LINK_TLS_CERT: .* expires on/);
  });

  it('finds authorities that can not be read, that are none, and that have expired, whatever they are for', async () => {
    await using authority = await Authority.make();
    const { ca } = authority.files('ca');
    const empty = await authority.write('empty.pem', 'nothing');
    const farMs = Date.now() + 100 * 365 * 86_400_000;
    for (const env of ['PARLEY_GRPC_TLS_CLIENT_CA', 'PARLEY_METRICS_TLS_CLIENT_CA', 'PARLEY_MYSQL_CA_FILE']) {
      const look = (file: string, nowMs = Date.now()) => lookAtCertificates(configOf({ [env]: file }), nowMs);
      says(await look(`${ca}.gone`), 'error', /can't be read: ENOENT/);
      says(await look(empty), 'error', /holds no certificate/);
      says(await look(ca, farMs), 'error', /authority .* expires on/);
    }
  });

  it('does not take the authorities of a broker for those of its clients', async () => {
    await using authority = await Authority.make();
    await using foreign = await Authority.make();
    await authority.sign('m1', { days: [-1, 300] });
    const { cert, key } = authority.files('m1');
    const config = configOf({
      PARLEY_KAFKA_CERT_FILE: cert,
      PARLEY_KAFKA_KEY_FILE: key,
      PARLEY_KAFKA_CA_FILE: foreign.files('ca').ca,
    });
    assert.deepEqual(
      (await lookAtCertificates(config, Date.now())).filter(({ found }) => /signed/.test(found)),
      [],
    );
  });
});

describe('the doctor, of this machine', () => {
  it('finds secrets that others may read, and ports that are in use or not allowed', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'parley-doctor-'));
    const server = createServer().listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      await writeFile(join(directory, 'master.keys'), '', { mode: 0o600 });
      const { port } = server.address() as AddressInfo;
      const look = (env: Record<string, string> = {}) =>
        lookAtMachine(configOf({ PARLEY_DATA_DIR: directory, ...env }));
      saysNo(await look(), 'error');
      says(await look(), 'ok', /All ports are free/);
      await chmod(join(directory, 'master.keys'), 0o644);
      says(await look(), 'error', /master\.keys may be read by others \(mode 644\)/, /chmod 600/);
      says(
        await look({ PARLEY_HTTP_PORT: `${port}` }),
        'ok',
        new RegExp(`In use.*${port} \\(PARLEY_HTTP_PORT\\)`),
      );
      const elsewhere = { PARLEY_HOST: '192.0.2.1', PARLEY_HTTP_PORT: `${port}` };
      says(await look(elsewhere), 'error', /192\.0\.2\.1:\d+ can't be listened on/, /PARLEY_HTTP_PORT/);
    } finally {
      server.close();
      await rm(directory, { recursive: true });
    }
  });

  it('finds a disk that is full', { skip: !SmallDisk.possible && 'needs root' }, async () => {
    await using disk = await SmallDisk.mount(64);
    await disk.fill();
    const findings = await lookAtMachine(configOf({ PARLEY_DATA_DIR: disk.directory }));
    says(findings, 'error', /0\.0 GiB \(0 %\) of the disk of .* are free/, /sends are refused/);
  });
});

describe('the doctor, of a configuration', () => {
  const look = async (env: Record<string, string>) =>
    (await examine(configOf(env), env)).filter(({ part }) => part === 'configuration');

  it('finds secrets that are missing, short, or that people make up', async () => {
    saysNo(await look({}), 'error');
    says(await look({ PARLEY_TOKEN_SECRET: '' }), 'error', /PARLEY_TOKEN_SECRET is not set/, /openssl rand/);
    for (const weak of [
      'a'.repeat(48),
      'secretsecretsecretsecretsecretsecretsecret',
      'parley-production-token-secret-2026',
    ])
      says(await look({ PARLEY_TOKEN_SECRET: weak }), 'error', /could guess it/, /openssl rand/);
    for (const strong of [random, 'f3a9'.repeat(2) + 'b07d51e8c264930fae17d8b5206c49e3f81a7d60'])
      saysNo(await look({ PARLEY_TOKEN_SECRET: strong }), 'error');
  });

  it('finds ports that are open to others in clear', async () => {
    const open = { PARLEY_HOST: '0.0.0.0', PARLEY_METRICS_HOST: '0.0.0.0', PARLEY_TOKEN_SECRET: random };
    for (const found of [/gRPC is open/, /HTTP and WebSocket are open/, /Metrics are open/])
      says(await look(open), 'warning', found);
    const behind = await look({ ...open, PARLEY_TRUSTED_PROXIES: '1', PARLEY_GRPC_TLS_CERT: '/a/cert' });
    assert.deepEqual(
      behind.filter(({ found }) => /open at/.test(found)).map(({ found }) => found.slice(0, 16)),
      ['Metrics are open'],
    );
    saysNo(await look({ PARLEY_TOKEN_SECRET: random }), 'warning');
  });

  it('finds misspelt variables and development mode', async () => {
    says(await look({ PARLEY_TOKEN_SECRETS: 'x' }), 'warning', /PARLEY_TOKEN_SECRETS/);
    says(await look({ PARLEY_MODE: 'development' }), 'warning', /for development/, /PARLEY_MODE=production/);
  });
});
