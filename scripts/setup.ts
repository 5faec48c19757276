import { spawnSync } from 'node:child_process';
import { found, installer } from './debian.ts';
import { kafkaJars } from './kafka-jars.ts';
import type { MavenJars } from './maven-jars.ts';
import { openSearchJars } from './opensearch-jars.ts';

/**
 * Sees to it that the machine has the programs that the tests drive, with the argument `long` also those of the long
 * suites, or, with the argument `cluster` or `production`, those alone that `npm run cluster` or `npm run production`
 * starts. On Debian and its kin what is missing is installed with apt, where that is possible without asking anybody;
 * elsewhere one line says what to install. Kafka and OpenSearch are in no distribution: their jars come by Maven.
 */

const uses = ['tests', 'long', 'cluster', 'production'] as const;
type Use = (typeof uses)[number];
const use = uses.find((each) => each === process.argv[2]) ?? 'tests';

interface Need {
  /** Any of these programs (or libraries) will do. */
  readonly programs: readonly string[];
  readonly debian: string;
  /** Who alone needs it. Default: everybody. */
  readonly only?: readonly Use[];
}

const anyTests: readonly Use[] = ['tests', 'long'];
/** Production and the tests of its parts, but not a cluster that is only looked at. */
const allButCluster: readonly Use[] = ['tests', 'long', 'production'];
/** Production, and the suites that have the whole of it. */
const whole: readonly Use[] = ['long', 'production'];

const exporters = ['node', 'mysqld', 'redis', 'nginx', 'blackbox'].map((of) => `prometheus-${of}-exporter`);

const needs: readonly Need[] = [
  { programs: ['chromium', 'chromium-browser', 'google-chrome'], debian: 'chromium', only: anyTests },
  { programs: ['mariadbd', 'mysqld'], debian: 'mariadb-server' },
  { programs: ['libgalera_smm.so'], debian: 'galera-4', only: allButCluster },
  { programs: ['redis-server'], debian: 'redis-server' },
  { programs: ['nginx'], debian: 'nginx' },
  { programs: ['keepalived'], debian: 'keepalived', only: allButCluster },
  { programs: ['curl'], debian: 'curl', only: allButCluster },
  { programs: ['java'], debian: 'default-jre-headless' },
  { programs: ['mvn'], debian: 'maven' },
  { programs: ['strace'], debian: 'strace', only: anyTests },
  { programs: ['ip'], debian: 'iproute2', only: allButCluster },
  { programs: ['libfaketimeMT.so.1'], debian: 'libfaketime', only: anyTests },
  { programs: ['firefox-esr'], debian: 'firefox-esr', only: ['long'] },
  // A database that joins the others copies by these.
  { programs: ['mariadb-backup'], debian: 'mariadb-backup', only: whole },
  { programs: ['socat'], debian: 'socat', only: whole },
  { programs: ['haproxy'], debian: 'haproxy', only: whole },
  { programs: ['openssl'], debian: 'openssl', only: whole },
  // What ships logs, and what OpenSearch is started by.
  { programs: ['rsyslogd'], debian: 'rsyslog', only: whole },
  { programs: ['omelasticsearch.so'], debian: 'rsyslog-elasticsearch', only: whole },
  { programs: ['javac'], debian: 'default-jdk-headless', only: whole },
  // What watches over a cluster: their packages bear the names of the programs.
  ...['prometheus', 'prometheus-alertmanager', ...exporters].map(
    (program): Need => ({ programs: [program], debian: program, only: allButCluster }),
  ),
];
const oldestJava = 17;

function missing(): string[] {
  return needs
    .filter(({ only = uses }) => only.includes(use))
    .filter(({ programs }) => !programs.some(found))
    .map(({ debian }) => debian);
}

/** Why the machine's Java can't run what comes by Maven; undefined where it can. */
function javaProblem(): string | undefined {
  const { stderr } = spawnSync('java', ['-version'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  // Old ones call themselves 1.8.
  const [, version, minor] = /version "(\d+)(?:\.(\d+))?/.exec(stderr ?? '') ?? [];
  const major = version === '1' ? minor : version;
  if (major === undefined) return 'java -version does not say which version it is';
  return Number(major) < oldestJava ? `it is Java ${major}` : undefined;
}

function installPackages(): boolean {
  const packages = missing();
  if (packages.length === 0) return true;
  const install = installer();
  if (install !== undefined) {
    process.stdout.write(`setup: installing ${packages.join(', ')}\n`);
    install(packages);
  }
  const left = missing();
  if (left.length === 0) return true;
  const who = {
    tests: 'the tests need',
    long: 'the tests need',
    cluster: 'a cluster needs',
    production: 'production needs',
  }[use];
  process.stderr.write(`setup: ${who} ${left.join(', ')}: please install (Debian's package names)\n`);
  return false;
}

function fetchJars(name: string, jars: MavenJars): boolean {
  const problem = javaProblem();
  if (problem !== undefined) {
    process.stderr.write(`setup: ${name} needs Java ${oldestJava} or later as "java": ${problem}\n`);
    return false;
  }
  if (jars.there) return true;
  process.stdout.write(`setup: fetching ${name}\n`);
  try {
    jars.fetch();
    return true;
  } catch (error) {
    process.stderr.write(`setup: Maven did not fetch ${name}: ${(error as Error).message}\n`);
    return false;
  }
}

const done =
  installPackages() &&
  fetchJars('Kafka', kafkaJars) &&
  (!whole.includes(use) || fetchJars('OpenSearch', openSearchJars));
if (!done) process.exitCode = 1;
