import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fetchKafkaJars, hasKafkaJars } from './kafka-jars.ts';

/**
 * Sees to it that the machine has the programs that the tests drive, or, with the argument `cluster`, those alone that
 * `npm run cluster` starts. On Debian and its kin what is missing is installed with apt, where that is possible without
 * asking anybody; elsewhere one line says what to install. Kafka is in no distribution: its jars come by Maven.
 */

const forCluster = process.argv[2] === 'cluster';

interface Need {
  /** Any of these programs (or libraries) will do. */
  readonly programs: readonly string[];
  readonly debian: string;
  /** A cluster that is only looked at does without. */
  readonly testsOnly?: true;
}

const needs: readonly Need[] = [
  { programs: ['chromium', 'chromium-browser', 'google-chrome'], debian: 'chromium', testsOnly: true },
  { programs: ['mariadbd', 'mysqld'], debian: 'mariadb-server' },
  { programs: ['libgalera_smm.so'], debian: 'galera-4', testsOnly: true },
  { programs: ['redis-server'], debian: 'redis-server' },
  { programs: ['nginx'], debian: 'nginx' },
  { programs: ['java'], debian: 'default-jre-headless' },
  { programs: ['mvn'], debian: 'maven' },
  { programs: ['strace'], debian: 'strace', testsOnly: true },
  { programs: ['ip'], debian: 'iproute2', testsOnly: true },
  { programs: ['libfaketimeMT.so.1'], debian: 'libfaketime', testsOnly: true },
];
const oldestJava = 17;

/** Servers and libraries are in directories that not everybody has on the path. */
const path = [
  ...(process.env.PATH ?? '').split(delimiter),
  ...['/usr/sbin', '/usr/local/sbin', '/usr/lib/galera', '/usr/lib64/galera-4'],
  ...['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime`),
];

function has(program: string): boolean {
  const wanted = /\.so(\.\d+)?$/.test(program) ? constants.R_OK : constants.X_OK;
  return path.some((dir) => {
    try {
      accessSync(join(dir, program), wanted);
      return true;
    } catch {
      return false;
    }
  });
}

function missing(): string[] {
  return needs
    .filter(({ testsOnly }) => !forCluster || testsOnly !== true)
    .filter(({ programs }) => !programs.some(has))
    .map(({ debian }) => debian);
}

/** What to put before a command to run it as root; undefined where that needs a password. */
function asRoot(): string[] | undefined {
  if (process.getuid?.() === 0) return [];
  const sudo = has('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
  return sudo ? ['sudo', '-n'] : undefined;
}

function apt(prefix: readonly string[], ...args: string[]): void {
  const [command, ...rest] = [
    ...prefix,
    '/usr/bin/env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-qq',
    '-y',
    ...args,
  ];
  spawnSync(command!, rest, { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Why the machine's Java can't run Kafka; undefined where it can. */
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
  const prefix = has('apt-get') ? asRoot() : undefined;
  if (prefix !== undefined) {
    process.stdout.write(`setup: installing ${packages.join(', ')}\n`);
    apt(prefix, 'update');
    apt(prefix, 'install', '--no-install-recommends', ...packages);
  }
  const left = missing();
  if (left.length === 0) return true;
  const who = forCluster ? 'a cluster needs' : 'the tests need';
  process.stderr.write(`setup: ${who} ${left.join(', ')}: please install (Debian's package names)\n`);
  return false;
}

function fetchKafka(): boolean {
  const problem = javaProblem();
  if (problem !== undefined) {
    process.stderr.write(`setup: Kafka needs Java ${oldestJava} or later as "java": ${problem}\n`);
    return false;
  }
  if (hasKafkaJars()) return true;
  process.stdout.write('setup: fetching Kafka\n');
  try {
    fetchKafkaJars();
    return true;
  } catch (error) {
    process.stderr.write(`setup: Maven did not fetch Kafka: ${(error as Error).message}\n`);
    return false;
  }
}

if (!installPackages() || !fetchKafka()) process.exitCode = 1;
