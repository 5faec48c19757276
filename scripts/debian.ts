import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Servers and libraries are in directories that not everybody has on the path. */
const directories = [
  ...(process.env.PATH ?? '').split(delimiter),
  ...['/usr/sbin', '/usr/local/sbin', '/usr/lib/galera', '/usr/lib64/galera-4'],
  ...['x86_64', 'aarch64'].flatMap((machine) =>
    ['faketime', 'rsyslog'].map((of) => `/usr/lib/${machine}-linux-gnu/${of}`),
  ),
];

/** Where a program, or a library, is; undefined where the machine has none of this name. */
export function found(name: string): string | undefined {
  const wanted = /\.so(\.\d+)?$/.test(name) ? constants.R_OK : constants.X_OK;
  return directories
    .map((directory) => join(directory, name))
    .find((file) => {
      try {
        accessSync(file, wanted);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * What installs packages of Debian, where that is possible without asking anybody. What comes of it is seen by what is
 * there afterwards; apt's own words go to stderr.
 */
export function installer(): ((packages: readonly string[]) => void) | undefined {
  const prefix = found('apt-get') === undefined ? undefined : asRoot();
  if (prefix === undefined) return undefined;
  return (packages) => {
    apt(prefix, 'update');
    apt(prefix, 'install', '--no-install-recommends', ...packages);
  };
}

/** What to put before a command to run it as root; undefined where that needs a password. */
function asRoot(): string[] | undefined {
  if (process.getuid?.() === 0) return [];
  const sudo =
    found('sudo') !== undefined && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
  return sudo ? ['sudo', '-n'] : undefined;
}

function apt(prefix: readonly string[], ...args: readonly string[]): void {
  const quiet = ['/usr/bin/env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', '-y'];
  const [command, ...rest] = [...prefix, ...quiet, ...args];
  // Whoever asks for the path of a program reads it from stdout.
  spawnSync(command as string, rest, { stdio: ['ignore', process.stderr.fd, 'inherit'] });
}
