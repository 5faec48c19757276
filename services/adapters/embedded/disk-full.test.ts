import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const scenario = fileURLToPath(import.meta.resolve('./testing/disk-full-scenario.ts'));

describe('on a disk that is really full', {
  skip: process.platform !== 'linux' && 'needs mount namespaces',
}, () => {
  it('sends are refused clearly, reads go on, nothing is lost, and it recovers by itself', async () => {
    const room = await mkdtemp(path.join(tmpdir(), 'parley-full-'));
    try {
      // In a mount namespace of its own the small file system goes away with the process, whatever happens.
      const unshare = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--user', '--map-root-user'];
      const inside = 'mount -t tmpfs -o size=64m tmpfs "$1" && exec "$2" "$3" "$1"';
      const child = spawn(
        'unshare',
        [...unshare, 'sh', '-c', inside, 'sh', room, process.execPath, scenario],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      );
      let output = '';
      let problems = '';
      child.stdout.on('data', (data) => {
        output += data;
      });
      child.stderr.on('data', (data) => {
        problems += data;
      });
      const [code] = await once(child, 'close');
      assert.equal(code, 0, problems);
      const { acknowledged, refusals } = JSON.parse(output) as Record<string, number>;
      assert.ok((acknowledged ?? 0) >= 60 && (refusals ?? 0) >= 15, output);
    } finally {
      await rm(room, { recursive: true });
    }
  });
});
