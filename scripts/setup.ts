import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Sees to it that the machine has the programs that the tests drive. On Debian and its kin what is missing is installed
 * with apt, where that is possible without asking anybody; elsewhere one line says what to install.
 */

interface Need {
  /** Any of these programs will do. */
  readonly programs: readonly string[];
  readonly debian: string;
}

const needs: readonly Need[] = [
  { programs: ['chromium', 'chromium-browser', 'google-chrome'], debian: 'chromium' },
  { programs: ['mariadbd', 'mysqld'], debian: 'mariadb-server' },
  { programs: ['strace'], debian: 'strace' },
];

/** Servers are in directories that not everybody has on the path. */
const path = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

function has(program: string): boolean {
  return path.some((dir) => {
    try {
      accessSync(join(dir, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function missing(): string[] {
  return needs.filter(({ programs }) => !programs.some(has)).map(({ debian }) => debian);
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

const packages = missing();
if (packages.length > 0) {
  const prefix = has('apt-get') ? asRoot() : undefined;
  if (prefix !== undefined) {
    process.stdout.write(`setup: installing ${packages.join(', ')}\n`);
    apt(prefix, 'update');
    apt(prefix, 'install', '--no-install-recommends', ...packages);
  }
  const left = missing();
  if (left.length > 0) {
    process.stderr.write(
      `setup: the tests need ${left.join(', ')}: please install (Debian's package names)\n`,
    );
    process.exitCode = 1;
  }
}
