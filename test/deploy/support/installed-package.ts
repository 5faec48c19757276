import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { root, toolEnv } from '../../../scripts/paths.ts';

const run = promisify(execFile);

/** The package as somebody has it who never saw the checkout: built, packed, and installed into an empty directory. */
export class InstalledPackage implements AsyncDisposable {
  /** Where its user works: node_modules, and nothing of the checkout. */
  readonly directory: string;
  readonly #home: string;

  private constructor(parent: string) {
    this.directory = join(parent, 'work');
    this.#home = join(parent, 'home');
  }

  static async install(): Promise<InstalledPackage> {
    const installed = new InstalledPackage(await mkdtemp(join(tmpdir(), 'parley-package-')));
    try {
      await mkdir(installed.directory);
      await mkdir(installed.#home);
      const built = await run(process.execPath, ['scripts/build-package.ts'], { cwd: root, env: toolEnv });
      const tarball = join(root, built.stdout.trim().split('\n').at(-1) ?? '');
      await installed.run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball], {
        ...wayOut(),
        npm_config_cache: await npmSetting('cache'),
        npm_config_registry: await npmSetting('registry'),
      });
      return installed;
    } catch (error) {
      await installed[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What `node_modules/.bin/parley` runs. */
  get program(): string {
    return join(this.directory, 'node_modules', 'parley', 'bin', 'parley.cjs');
  }

  /** What its user's processes get, and nothing that is set here. */
  get env(): Record<string, string> {
    const path = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter);
    return { PATH: path, HOME: this.#home };
  }

  /** Runs a program in the directory to its end; rejects, with what it said, when it fails. */
  run(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ stdout: string; stderr: string }> {
    return run(program, args, { cwd: this.directory, env: { ...this.env, ...env } });
  }

  async write(name: string, text: string): Promise<void> {
    await writeFile(join(this.directory, name), text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(dirname(this.directory), { recursive: true, force: true });
  }
}

/** How this machine reaches others, and whom it believes, is no part of its user's home. */
function wayOut(): Record<string, string> {
  const names = /^(NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|HTTPS?_PROXY|NO_PROXY)$/i;
  const found = Object.entries(process.env).filter(
    ([name, value]) => names.test(name) && value !== undefined,
  );
  return Object.fromEntries(found) as Record<string, string>;
}

async function npmSetting(name: string): Promise<string> {
  return (await run('npm', ['config', 'get', name], { cwd: root })).stdout.trim();
}
