import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { root } from './paths.ts';

/**
 * Kafka's own jars, from Maven's registry: a broker without a container engine or a package of a distribution. They are
 * kept outside the checkout, so that every checkout of the same version shares them.
 */

const pom = join(root, 'scripts', 'kafka-broker.pom.xml');
const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';
const fetchMs = 8 * 60_000;

const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
const parent = join(caches, 'parley');
const digest = createHash('sha256').update(readFileSync(pom)).digest('hex');

/** The directory of the jars: another one as soon as the pom says something else. */
export const kafkaJars = join(parent, `kafka-${digest.slice(0, 12)}`);

export function hasKafkaJars(): boolean {
  return existsSync(kafkaJars);
}

/** Fetches them; what was fetched before is only there when it is complete. Throws with what Maven said. */
export function fetchKafkaJars(): void {
  mkdirSync(parent, { recursive: true });
  const unfinished = mkdtempSync(join(parent, 'kafka-unfinished-'));
  try {
    const args = [
      ...['--batch-mode', '--quiet', '--strict-checksums', '--file', pom],
      ...[plugin, `-DoutputDirectory=${join(unfinished, 'jars')}`, '-DincludeScope=runtime'],
    ];
    const { status, stdout, error } = spawnSync('mvn', args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
      timeout: fetchMs,
    });
    if (status !== 0 || error) throw new Error(error?.message ?? stdout.trim());
    // Somebody else may have been quicker.
    if (!hasKafkaJars()) renameSync(join(unfinished, 'jars'), kafkaJars);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
