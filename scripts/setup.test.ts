import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const setup = fileURLToPath(new URL('setup.ts', import.meta.url));

/** A machine whose only programs are these shell scripts (and what servers it has where servers are). */
async function machine(programs: Record<string, string>) {
  const bin = await mkdtemp(join(tmpdir(), 'parley-setup-'));
  const cache = await mkdtemp(join(tmpdir(), 'parley-cache-'));
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  return {
    bin,
    run: (...args: string[]) =>
      spawnSync(process.execPath, [setup, ...args], {
        env: { PATH: bin, XDG_CACHE_HOME: cache },
        encoding: 'utf8',
      }),
    /** What is in the cache, two levels deep. */
    async cached(): Promise<string[]> {
      const versions = await readdir(join(cache, 'parley')).catch(() => []);
      const jars = versions.map((version) => readdir(join(cache, 'parley', version)));
      return (await Promise.all(jars)).flat();
    },
    async [Symbol.asyncDispose]() {
      await rm(bin, { recursive: true });
      await rm(cache, { recursive: true });
    },
  };
}

const java = (version: string) => `echo 'openjdk version "${version}" 2025-04-15' >&2`;
/** Puts one jar where it is told to. */
const mvn = `for arg; do case "$arg" in -DoutputDirectory=*) out="\${arg#*=}";; esac; done
  /bin/mkdir "$out"; echo jar > "$out/kafka.jar"`;
const servers = {
  ...{ mariadbd: 'exit 0', 'libgalera_smm.so': '', 'redis-server': 'exit 0', nginx: 'exit 0' },
  ...{ keepalived: 'exit 0', curl: 'exit 0', java: java('17.0.15'), mvn },
  ...Object.fromEntries(
    ['', '-alertmanager', '-node-exporter', '-mysqld-exporter', '-redis-exporter', '-nginx-exporter']
      .concat('-blackbox-exporter')
      .map((of) => [`prometheus${of}`, 'exit 0']),
  ),
};
const present = { chromium: 'exit 0', strace: 'exit 0', ...servers };
const copying = { 'mariadb-backup': 'exit 0', socat: 'exit 0', haproxy: 'exit 0', openssl: 'exit 0' };
const shipping = { rsyslogd: 'exit 0', 'omelasticsearch.so': '', javac: 'exit 0' };
const forLong = { 'firefox-esr': 'exit 0', ...copying, ...shipping };
const sudo = { sudo: 'shift; exec "$@"' };

describe('setup', () => {
  it('for a cluster that is looked at asks for no browser and no tools of tests', async () => {
    await using there = await machine(servers);
    assert.equal(there.run('cluster').status, 0);
    const { status, stderr } = there.run();
    assert.equal(status, 1);
    assert.match(stderr, /the tests need chromium, strace: please install/);
  });

  it('for the long suites asks for another browser, too', async () => {
    const { 'firefox-esr': _, ...others } = forLong;
    await using there = await machine({ ...present, ...others });
    const { status, stderr } = there.run('long');
    assert.equal(status, 1);
    assert.match(stderr, /the tests need firefox-esr: please install/);
  });

  it('for the long suites fetches OpenSearch, too', async () => {
    await using there = await machine({ ...present, ...forLong });
    const { status, stdout } = there.run('long');
    assert.deepEqual([status, stdout], [0, 'setup: fetching Kafka\nsetup: fetching OpenSearch\n']);
  });

  it('for production asks for what its databases copy by, and for no tools of tests', async () => {
    const { 'mariadb-backup': _, socat: __, ...others } = copying;
    await using there = await machine({ ...servers, ...others, ...shipping, ip: 'exit 0' });
    const { status, stderr } = there.run('production');
    assert.equal(status, 1);
    assert.match(stderr, /production needs mariadb-backup, socat: please install/);
    await using whole = await machine({ ...servers, ...copying, ...shipping, ip: 'exit 0' });
    assert.equal(whole.run('production').status, 0);
  });

  it('fetches Kafka, and has nothing to say where all is there', async () => {
    await using there = await machine({ ...present, 'apt-get': 'exit 1' });
    const first = there.run();
    assert.deepEqual([first.status, first.stdout, first.stderr], [0, 'setup: fetching Kafka\n', '']);
    assert.deepEqual(await there.cached(), ['kafka.jar']);
    const { status, stdout, stderr } = there.run();
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
  });

  it('says in one line what to install where there is no apt', async () => {
    await using there = await machine(servers);
    const { status, stdout, stderr } = there.run();
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^setup: the tests need chromium, strace: .*\n$/);
  });

  it('installs what is missing with apt', async () => {
    const program = (name: string) =>
      `printf '#!/bin/sh\\n' > "$here/${name}"; /bin/chmod +x "$here/${name}"`;
    const apt = `here=$(/usr/bin/dirname "$0"); echo "$@" >> "$here/log"
      case "$*" in *install*) ${program('chromium')}; ${program('strace')};; esac`;
    await using there = await machine({ ...sudo, ...servers, 'apt-get': apt });
    const { status, stderr } = there.run();
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(
      await readFile(join(there.bin, 'log'), 'utf8'),
      '-qq -y update\n-qq -y install --no-install-recommends chromium strace\n',
    );
  });

  it('says so where apt does not bring it', async () => {
    await using there = await machine({ ...sudo, ...servers, 'apt-get': 'exit 100' });
    const { status, stderr } = there.run();
    assert.equal(status, 1);
    assert.match(stderr, /the tests need chromium, strace/);
  });

  for (const version of ['11.0.2', '1.8.0_402'])
    it(`does not take Java ${version}`, async () => {
      await using there = await machine({ ...present, java: java(version) });
      const { status, stderr } = there.run();
      assert.equal(status, 1);
      assert.match(stderr, /^setup: Kafka needs Java 17 or later as "java": it is Java (11|8)\n$/);
    });

  it('keeps nothing of a fetch that fails, and says what Maven said', async () => {
    const half = `${mvn}; echo 'no such artifact'; exit 1`;
    await using there = await machine({ ...present, mvn: half });
    const { status, stderr } = there.run();
    assert.equal(status, 1);
    assert.match(stderr, /^setup: Maven did not fetch Kafka: no such artifact\n$/);
    assert.deepEqual(await there.cached(), []);
  });
});
