import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KafkaSurvey } from '../adapters/kafka/survey.ts';
import type { DatabaseSurvey } from '../adapters/mysql/survey.ts';
import type { RedisSurvey } from '../adapters/redis/survey.ts';
import { Findings } from './finding.ts';
import { judgeDatabase } from './look-at-database.ts';
import { judgeKafka } from './look-at-kafka.ts';
import { judgeRedis } from './look-at-redis.ts';

/** What is wrong, each with its severity. */
function judged(judge: (findings: Findings) => void): string[] {
  const findings = new Findings('part');
  judge(findings);
  return findings.all
    .filter(({ severity }) => severity !== 'ok')
    .map(({ severity, found, advice }) => {
      assert.notEqual(advice, '', found);
      return `${severity} ${found}`;
    });
}

/** Each case has one thing wrong with what is well otherwise, and exactly that is found. */
function table<T>(
  well: T,
  judge: (survey: T, findings: Findings) => void,
  cases: readonly (readonly [what: string, but: Partial<T>, found: RegExp])[],
): void {
  it('is nothing where all is well', () => {
    assert.deepEqual(
      judged((findings) => judge(well, findings)),
      [],
    );
  });
  for (const [what, but, expected] of cases)
    it(`is that ${what}`, () => {
      const [found, ...others] = judged((findings) => judge({ ...well, ...but }, findings));
      assert.match(found ?? 'nothing', expected);
      assert.deepEqual(others, []);
    });
}

describe('what the doctor makes of Redis', () => {
  const well: RedisSurvey = {
    node: '',
    version: '7.2.4',
    maxMemoryBytes: 1_000,
    usedBytes: 900,
    evictionPolicy: 'volatile-lru',
    appends: true,
    evictedKeys: 0,
  };
  table(well, judgeRedis, [
    ['it is too old', { version: '6.0.16' }, /^error Redis is 6\.0\.16/],
    ['one of a cluster is too old', { version: '5.0.0', node: 'a:1' }, /^error Redis at a:1 is 5/],
    ['it may drop any key', { evictionPolicy: 'allkeys-lru' }, /^error .*allkeys-lru/],
    ['it refuses writes when it is full', { evictionPolicy: 'noeviction' }, /^warning .*noeviction/],
    ['it is nearly full', { usedBytes: 901, evictedKeys: 7 }, /^warning .*90 % .* 7 keys/],
    ['it keeps nothing on disk', { appends: false }, /^warning .*nothing on disk/],
  ]);

  it('is nothing without a limit, whatever it would do at one', () => {
    const endless = { ...well, maxMemoryBytes: 0, evictionPolicy: 'noeviction' };
    assert.deepEqual(
      judged((findings) => judgeRedis(endless, findings)),
      [],
    );
    const recent = { ...well, version: '6.2.0' };
    assert.deepEqual(
      judged((findings) => judgeRedis(recent, findings)),
      [],
    );
  });
});

describe('what the doctor makes of a database', () => {
  const traits: DatabaseSurvey['traits'] = {
    mariaDb: true,
    galera: true,
    maxPacketBytes: 16_777_216,
    flushAtCommit: '1',
    binlog: true,
    syncBinlog: '1',
    binlogFormat: 'ROW',
  };
  const galera = {
    wsrep_cluster_status: 'Primary',
    wsrep_cluster_size: '3',
    wsrep_connected: 'ON',
    wsrep_ready: 'ON',
    wsrep_local_state_comment: 'Synced',
    wsrep_flow_control_paused: '0.1',
  };
  const well: DatabaseSurvey = {
    version: '11.8.2-MariaDB',
    traits,
    schemaVersion: 9,
    knownVersion: 9,
    epoch: 'ab'.repeat(16),
    clockSkewMs: -501,
    roundTripMs: 2,
    maxConnections: 64,
    galera,
  };
  table(well, judgeDatabase, [
    ['commits are not flushed', { traits: { ...traits, flushAtCommit: '2' } }, /^error innodb_flush.* is 2/],
    ['the binlog is not', { traits: { ...traits, syncBinlog: '0' } }, /^error sync_binlog is 0/],
    [
      'its binlog holds statements',
      { traits: { ...traits, binlogFormat: 'STATEMENT' } },
      /^error .*STATEMENT/,
    ],
    ['there is no store', { schemaVersion: undefined, epoch: undefined }, /^warning There is no store/],
    ['its tables are newer', { schemaVersion: 10 }, /^error The tables are of version 10, .* knows 9/],
    ['its tables are older', { schemaVersion: 8 }, /^warning The tables are of version 8, .* knows 9/],
    ['an import is not finished', { epoch: '' }, /^error An import/],
    ['the clocks differ', { clockSkewMs: 502 }, /^warning .* by 502 ms/],
    ['the clocks differ much', { clockSkewMs: -5_002 }, /^error .* by -5002 ms/],
    ['it takes few connections', { maxConnections: 63 }, /^warning .* 63 connections/],
    [
      'Galera has lost its majority',
      { galera: { ...galera, wsrep_cluster_status: 'non-Primary' } },
      /^error .*no writes: cluster non-Primary/,
    ],
    [
      'its Galera node is not ready',
      { galera: { ...galera, wsrep_ready: 'OFF' } },
      /^error .*no writes: .*OFF/,
    ],
    ['Galera lacks a node', { galera: { ...galera, wsrep_cluster_size: '2' } }, /^warning Galera has 2/],
    [
      'Galera held writes back',
      { galera: { ...galera, wsrep_flow_control_paused: '0.25' } },
      /^warning .*25 %/,
    ],
  ]);

  it('is nothing of a binlog that is not written, and of one server', () => {
    const single = {
      ...well,
      traits: { ...traits, binlog: false, syncBinlog: '0', binlogFormat: 'STATEMENT' },
      galera: undefined,
    };
    assert.deepEqual(
      judged((findings) => judgeDatabase(single, findings)),
      [],
    );
  });
});

describe('what the doctor makes of Kafka', () => {
  const partition = { replicas: 3, inSync: 3, led: true };
  const well: KafkaSurvey = {
    brokers: 3,
    topic: 'parley.events',
    partitions: [partition, partition],
    lags: new Map([['parley.push.app', 10_000]]),
  };
  const settings = { partitions: 2 };
  table(well, (survey, findings) => judgeKafka(survey, settings, findings), [
    ['there is no topic yet', { partitions: undefined }, /^warning There is no topic parley\.events/],
    ['nobody leads a partition', { partitions: [partition, { ...partition, led: false }] }, /^error 1 of 2/],
    [
      'a replica is behind',
      { partitions: [partition, { ...partition, inSync: 2 }] },
      /^warning 1 of 2 .*not in sync/,
    ],
    [
      'there is one replica',
      { partitions: [partition, { replicas: 1, inSync: 1, led: true }] },
      /^warning .*one replica/,
    ],
    ['there are fewer partitions', { partitions: [partition] }, /^warning .* has 1 partitions, .* says 2/],
    ['a consumer is behind', { lags: new Map([['g', 10_001]]) }, /^warning g is 10001 events behind/],
  ]);

  it('is nothing of one replica where there is one broker', () => {
    const single = { replicas: 1, inSync: 1, led: true };
    const survey = { ...well, brokers: 1, partitions: [single, single] };
    assert.deepEqual(
      judged((findings) => judgeKafka(survey, settings, findings)),
      [],
    );
  });
});
