import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const setup = fileURLToPath(new URL('setup.ts', import.meta.url));

/** A machine whose only programs are these shell scripts (and what servers it has in sbin). */
async function machine(programs: Record<string, string>) {
  const bin = await mkdtemp(join(tmpdir(), 'parley-setup-'));
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  return {
    bin,
    run: () => spawnSync(process.execPath, [setup], { env: { PATH: bin }, encoding: 'utf8' }),
    [Symbol.asyncDispose]: () => rm(bin, { recursive: true }),
  };
}

const present = { chromium: 'exit 0', mariadbd: 'exit 0', strace: 'exit 0' };
const sudo = { sudo: 'shift; exec "$@"' };

describe('setup', () => {
  it('has nothing to say where all is there', async () => {
    await using there = await machine({ ...present, 'apt-get': 'exit 1' });
    const { status, stdout, stderr } = there.run();
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
  });

  it('says in one line what to install where there is no apt', async () => {
    await using there = await machine({ mariadbd: 'exit 0' });
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
    await using there = await machine({ ...sudo, mariadbd: 'exit 0', 'apt-get': apt });
    const { status, stderr } = there.run();
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(
      await readFile(join(there.bin, 'log'), 'utf8'),
      '-qq -y update\n-qq -y install --no-install-recommends chromium strace\n',
    );
  });

  it('says so where apt does not bring it', async () => {
    await using there = await machine({ ...sudo, mariadbd: 'exit 0', 'apt-get': 'exit 100' });
    const { status, stderr } = there.run();
    assert.equal(status, 1);
    assert.match(stderr, /the tests need chromium, strace/);
  });
});
