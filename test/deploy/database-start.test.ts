import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { root } from '../../scripts/paths.ts';

const run = promisify(execFile);
const script = join(root, 'deploy', 'production', 'mariadb', 'start.sh');

interface Found {
  readonly name?: string;
  /** What Galera wrote down of it; undefined: it has no data. */
  readonly state?: string;
  /** Where another node listens; undefined: none does. */
  readonly port?: number;
}

/** Runs the script with the paths and the programs of its container played by others; what it decides. */
async function decided({ name = 'database-1', state, port }: Found) {
  const directory = await mkdtemp(join(tmpdir(), 'parley-database-'));
  try {
    for (const part of ['bin', 'data', 'run', 'secrets']) await mkdir(join(directory, part));
    await writeFile(join(directory, 'secrets', 'mariadb-sst-password'), 'secret');
    if (state !== undefined) await writeFile(join(directory, 'data', 'grastate.dat'), state);
    const programs = { 'docker-entrypoint.sh': 'echo "$@"', chown: '', sleep: '' };
    for (const [program, does] of Object.entries(programs)) {
      const file = join(directory, 'bin', program);
      await writeFile(file, `#!/bin/sh\n${does}\n`);
      await chmod(file, 0o755);
    }
    const text = (await readFile(script, 'utf8'))
      .replaceAll('/var/lib/mysql', join(directory, 'data'))
      .replaceAll('/run/mysqld', join(directory, 'run'))
      .replaceAll('/run/secrets', join(directory, 'secrets'))
      // Port 1 is nobody's.
      .replace('/dev/tcp/$other/4567', `/dev/tcp/127.0.0.1/${port ?? 1}`);
    const path = `${join(directory, 'bin')}:${process.env.PATH}`;
    const { stdout } = await run('bash', ['-c', text, 'start.sh', name], {
      env: { ...process.env, PATH: path },
    });
    return {
      makesCluster: stdout.includes('--wsrep-new-cluster'),
      // The image makes tables where it finds no directory of that name.
      makesTables: !existsSync(join(directory, 'data', 'mysql')),
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}

const saved = (safe: 0 | 1) => `# GALERA saved state\nversion: 2.1\nseqno: -1\nsafe_to_bootstrap: ${safe}\n`;

describe('a database that starts', () => {
  test('makes the cluster where it is the first of all', async () => {
    assert.deepEqual(await decided({}), { makesCluster: true, makesTables: true });
    for (const name of ['database-2', 'database-3'])
      assert.deepEqual(await decided({ name }), { makesCluster: false, makesTables: false }, name);
  });

  test('joins, though it is the first and has lost its data, where another one is there', async () => {
    await using other = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    assert.deepEqual(await decided({ port }), { makesCluster: false, makesTables: false });
  });

  test('makes the cluster again where it was written to last, and joins else', async () => {
    for (const name of ['database-1', 'database-2', 'database-3'])
      for (const safe of [0, 1] as const)
        assert.deepEqual(
          await decided({ name, state: saved(safe) }),
          { makesCluster: safe === 1, makesTables: false },
          `${name}, ${safe}`,
        );
  });
});
