import { type DatabaseSurvey, surveyDatabase } from '../adapters/mysql/survey.ts';
import type { Config } from '../options.ts';
import { StoreError } from '../ports/message-store.ts';
import { type Finding, Findings } from './finding.ts';

const skewWarningMs = 500;
const skewErrorMs = 5_000;

/** The database: whether it is there, keeps what it has confirmed, and is in order. */
export async function lookAtDatabase(config: Pick<Config, 'mysql'>): Promise<readonly Finding[]> {
  const findings = new Findings('database');
  let survey: DatabaseSurvey;
  try {
    survey = await surveyDatabase(config.mysql);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const denied = /access denied/i.test(error.message);
    const advice = denied
      ? 'Correct the user or the password in PARLEY_MYSQL_URL, or grant that user all rights on the database.'
      : 'Start the database, and see that PARLEY_MYSQL_URL names it and that this machine may reach it.';
    findings.error(`The database can't be used: ${error.message}.`, advice);
    return findings.all;
  }
  judgeDatabase(survey, findings);
  return findings.all;
}

/** What a survey means. */
export function judgeDatabase(survey: DatabaseSurvey, findings: Findings): void {
  const { version, traits, roundTripMs } = survey;
  findings.ok(`The database answers within ${roundTripMs} ms: ${version}.`);
  durability(survey, findings);
  if (traits.binlog && traits.binlogFormat === 'STATEMENT')
    findings.error('The database writes its binlog as STATEMENT.', 'Set binlog_format to ROW.');
  schema(survey, findings);
  galera(survey, findings);
  const skewMs = Math.abs(survey.clockSkewMs) - roundTripMs / 2;
  const words = `The clocks of the database and of this machine differ by ${Math.round(survey.clockSkewMs)} ms.`;
  const advice = 'Have both keep time by NTP (chrony, systemd-timesyncd).';
  if (skewMs > skewErrorMs) findings.error(words, advice);
  else if (skewMs > skewWarningMs) findings.warning(words, advice);
  if (survey.maxConnections > 0 && survey.maxConnections < 64)
    findings.warning(
      `The database takes ${survey.maxConnections} connections; each message node opens 17 unless configured otherwise.`,
      'Raise max_connections.',
    );
}

function durability({ traits }: DatabaseSurvey, findings: Findings): void {
  const { flushAtCommit, binlog, syncBinlog } = traits;
  if (flushAtCommit !== '1')
    findings.error(
      `innodb_flush_log_at_trx_commit is ${flushAtCommit}: a crash of the database loses messages that were acknowledged.`,
      'Set innodb_flush_log_at_trx_commit=1 and restart the database. Servers in production refuse to start before.',
    );
  if (binlog && syncBinlog !== '1')
    findings.error(
      `sync_binlog is ${syncBinlog}: a crash of the database may lose what was acknowledged.`,
      'Set sync_binlog=1.',
    );
  if (flushAtCommit === '1' && (!binlog || syncBinlog === '1'))
    findings.ok('Commits are on the disk before they are confirmed.');
}

function schema({ schemaVersion, knownVersion, epoch }: DatabaseSurvey, findings: Findings): void {
  if (schemaVersion === undefined)
    findings.warning(
      'There is no store in the database yet.',
      'The first message node that starts makes it.',
    );
  else if (schemaVersion > knownVersion)
    findings.error(
      `The tables are of version ${schemaVersion}, this program knows ${knownVersion}.`,
      'Run a newer version of Parley.',
    );
  else if (schemaVersion < knownVersion)
    findings.warning(
      `The tables are of version ${schemaVersion}, this program knows ${knownVersion}.`,
      'The first message node of this version that starts brings them up to date.',
    );
  else findings.ok(`The tables are of version ${schemaVersion}, as they should be.`);
  if (epoch === '')
    findings.error(
      'An import into this database is not finished.',
      'Run `parley import` again, or begin with an empty database.',
    );
}

function galera({ galera: status }: DatabaseSurvey, findings: Findings): void {
  if (status === undefined) {
    findings.ok('The database is one server: a failover to a replica that lags loses what it lacks.');
    return;
  }
  const of = (name: string): string => status[name] ?? '?';
  const size = Number(of('wsrep_cluster_size'));
  if (of('wsrep_cluster_status') !== 'Primary' || of('wsrep_ready') !== 'ON')
    findings.error(
      `This Galera node takes no writes: cluster ${of('wsrep_cluster_status')}, ready ${of('wsrep_ready')}, ${of('wsrep_local_state_comment')}.`,
      'Bring back a majority of the nodes; where all were down, bootstrap the one with the highest seqno.',
    );
  else if (size < 3)
    findings.warning(
      `Galera has ${size} of at least 3 nodes: the next one that is lost stops all writes.`,
      'Start the missing nodes.',
    );
  else findings.ok(`Galera is whole: ${size} nodes, ${of('wsrep_local_state_comment')}.`);
  if (Number(of('wsrep_flow_control_paused')) > 0.1)
    findings.warning(
      `Galera held writes back for ${Math.round(100 * Number(of('wsrep_flow_control_paused')))} % of the time.`,
      'Look for the slowest node: its disk, or wsrep_slave_threads.',
    );
}
