import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { root } from './paths.ts';

const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';
const fetchMs = 8 * 60_000;
const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
const parent = join(caches, 'parley');

/**
 * The jars of a server, with all that they need, from Maven's registry: it runs without a container engine or a package of
 * a distribution. They are kept outside the checkout, so that every checkout of the same version shares them.
 */
export class MavenJars {
  /** Where they are: another one as soon as the pom says something else. */
  readonly directory: string;
  readonly #name: string;
  readonly #pom: string;

  /** `pom`: the file in scripts that says what it needs. */
  constructor({ name, pom }: { readonly name: string; readonly pom: string }) {
    this.#name = name;
    this.#pom = join(root, 'scripts', pom);
    const digest = createHash('sha256').update(readFileSync(this.#pom)).digest('hex');
    this.directory = join(parent, `${name}-${digest.slice(0, 12)}`);
  }

  get there(): boolean {
    return existsSync(this.directory);
  }

  /** Fetches them; what was fetched before is only there when it is complete. Throws with what Maven said. */
  fetch(): void {
    mkdirSync(parent, { recursive: true });
    const unfinished = mkdtempSync(join(parent, `${this.#name}-unfinished-`));
    try {
      const args = [
        ...['--batch-mode', '--quiet', '--strict-checksums', '--file', this.#pom],
        ...[plugin, `-DoutputDirectory=${join(unfinished, 'jars')}`, '-DincludeScope=runtime'],
      ];
      const { status, stdout, error } = spawnSync('mvn', args, {
        stdio: ['ignore', 'pipe', 'inherit'],
        encoding: 'utf8',
        timeout: fetchMs,
      });
      if (status !== 0 || error) throw new Error(error?.message ?? stdout.trim());
      // Somebody else may have been quicker.
      if (!this.there) renameSync(join(unfinished, 'jars'), this.directory);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
  }
}
