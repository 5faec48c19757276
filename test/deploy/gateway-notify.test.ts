import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { root } from '../../scripts/paths.ts';

const run = promisify(execFile);

test('what keepalived leaves for the node exporter is read by others, though its scripts have an umask of 0177', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'parley-notify-'));
  try {
    const notify = join(root, 'deploy', 'keepalived', 'notify');
    const told = [notify, directory, 'INSTANCE', 'parley', 'MASTER', '100'];
    await run('sh', ['-c', 'umask 0177 && exec sh "$@"', 'sh', ...told]);
    const { mode } = await stat(join(directory, 'parley_gateway.prom'));
    assert.equal((mode & 0o777).toString(8), '644');
  } finally {
    await rm(directory, { recursive: true });
  }
});
