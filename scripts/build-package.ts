import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { root, toolEnv } from './paths.ts';

/**
 * Builds dist/package, the package that people install without a checkout, and packs it as dist/parley-VERSION.tgz. Its
 * tree is that of the checkout, so that files find what lies beside them; the sources are compiled one by one, since
 * Node strips no types below node_modules. Its manifest is made here: that of the checkout is for those who develop it.
 */

const target = join(root, 'dist', 'package');
/** Beside the code, and read by it: migrations, scripts for Redis. */
const assets = ['services/**/*.{sql,lua}'];
/** What the command line, and who runs a server, look things up in. */
const pages = [
  'configuration',
  'operations',
  'deployment',
  'backups',
  'admin',
  'capacity',
  'telemetry',
  'metrics',
];
const docs = [...pages, 'protocol', 'errors', 'webhooks', 'push'].map((page) => `docs/${page}.md`);

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}
interface Lock {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devOptional?: boolean }>>;
}
const source = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

rmSync(target, { recursive: true, force: true });
run(process.execPath, 'scripts/build-page.ts');
run('tsc', '-p', 'tsconfig.package.json');
run('tsc', '-p', 'tsconfig.sdk.json');
for (const asset of globSync(assets, { cwd: root })) copy(asset);
copy('dist/web');
copy('proto');
// For whoever installs it for good on a machine.
copy('deploy/systemd', 'systemd');
copy('deploy/rsyslog', 'rsyslog');
for (const file of ['LICENSE', 'CHANGELOG.md', ...docs]) copy(file);
for (const program of ['parley.cjs', 'ready.cjs']) {
  copy(`deploy/package/${program}`, `bin/${program}`);
  chmodSync(join(target, 'bin', program), 0o755);
}
const readme = readFileSync(join(root, 'deploy', 'package', 'README.md'), 'utf8');
writeFileSync(join(target, 'README.md'), readme.replaceAll('VERSION', source.version));
write('package.json', manifest());
write('npm-shrinkwrap.json', shrinkwrap());
checkNeighbours();
const packed = execFileSync('npm', ['pack', target, '--pack-destination', join(root, 'dist'), '--silent'], {
  cwd: root,
  encoding: 'utf8',
});
process.stdout.write(`${join('dist', packed.trim())}\n`);

function manifest() {
  const { name, version, description, license, dependencies, allowScripts } = source;
  const scripts = Object.entries(allowScripts).filter(([of]) => of in dependencies);
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    // `await using` and AsyncDisposableStack are not in Node 22; bin/parley.cjs says it in one line.
    engines: { node: '>=24' },
    bin: { parley: 'bin/parley.cjs', 'parley-ready': 'bin/ready.cjs' },
    exports: {
      './sdk': { types: './sdk/index.d.ts', default: './sdk/index.js' },
      './sdk/grpc': { types: './sdk/transport-grpc.d.ts', default: './sdk/transport-grpc.js' },
      './gen/*.js': { types: './gen/*.d.ts', default: './gen/*.js' },
      './proto/*': './proto/*',
      './package.json': './package.json',
    },
    dependencies,
    allowScripts: Object.fromEntries(scripts),
  };
}

/** What the checkout is tested with is what everybody gets, down to the last dependency. */
function shrinkwrap(): unknown {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const { name, version, license, engines, bin, dependencies } = manifest();
  const installed = Object.entries(lock.packages).filter(
    ([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional,
  );
  return {
    name,
    version,
    lockfileVersion: lock.lockfileVersion,
    requires: true,
    packages: {
      '': { name, version, license, engines, bin, dependencies },
      ...Object.fromEntries(installed),
    },
  };
}

function write(name: string, content: unknown): void {
  writeFileSync(join(target, name), `${JSON.stringify(content, undefined, 2)}\n`);
}

/** Throws when a file of the package names a neighbour (`new URL('…', import.meta.url)`) that is not there. */
function checkNeighbours(): void {
  const missing = globSync('{services,bridge,sdk}/**/*.js', { cwd: target }).flatMap((file) => {
    const path = join(target, file);
    const code = readFileSync(path, 'utf8');
    const named = [
      ...[...code.matchAll(/new URL\(\s*'([^']+)',\s*import\.meta\.url/g)].map(([, name]) => name as string),
      ...[...code.matchAll(/threadFile\('([^']+)'/g)].map(([, name]) => `./${name}.js`),
    ];
    return named
      .filter((name) => !existsSync(fileURLToPath(new URL(name, pathToFileURL(path)))))
      .map((name) => `${file} wants ${name}`);
  });
  if (missing.length > 0) throw new Error(`not in the package: ${missing.join(', ')}`);
}

function copy(from: string, to = from): void {
  const path = join(target, to);
  mkdirSync(dirname(path), { recursive: true });
  cpSync(join(root, from), path, { recursive: true });
}

function run(program: string, ...args: string[]): void {
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    env: toolEnv,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed`, { cause: error });
}
