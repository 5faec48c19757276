import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ConvId } from '../../core/ids.ts';
import { StoreDirectory } from './testing/store-directory.ts';
import { unsyncedAcks } from './testing/sync-trace.ts';

const scenario = fileURLToPath(import.meta.resolve('./testing/commit-scenario.ts'));

interface Ended {
  readonly signal: NodeJS.Signals | null;
  /** Lines of standard output. */
  readonly lines: readonly string[];
}

async function run(command: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { signal, lines: Buffer.concat(chunks).toString().split('\n').filter(Boolean) };
}

/** Heads of the two conversations that the scenario writes. */
async function heads(directory: StoreDirectory): Promise<(number | undefined)[]> {
  await using store = await directory.open();
  assert.deepEqual((await store.check()).problems, []);
  return (await store.load(['d_one', 'd_other'] as ConvId[])).map((found) => found?.head.seq);
}

describe('a process that dies', () => {
  const acks = (ended: Ended) => ended.lines.filter((line) => line.startsWith('ack')).length;

  it('before the write leaves what it acknowledged, and no more', async () => {
    await using directory = await StoreDirectory.make();
    const ended = await run(process.execPath, [
      scenario,
      ...['--directory', directory.path, '--failpoints', 'beforeCommit=crash@5'],
    ]);
    assert.deepEqual([ended.signal, acks(ended)], ['SIGKILL', 4]);
    assert.deepEqual(await heads(directory), [4, 4]);
  });

  it('after the write leaves the batch, though nobody was told', async () => {
    await using directory = await StoreDirectory.make();
    const ended = await run(process.execPath, [
      scenario,
      ...['--directory', directory.path, '--failpoints', 'afterCommit=crash@5'],
    ]);
    assert.deepEqual([ended.signal, acks(ended)], ['SIGKILL', 4]);
    assert.deepEqual(await heads(directory), [5, 5]);
  });

  it('in the middle of a batch leaves none of it', async () => {
    await using directory = await StoreDirectory.make();
    const ended = await run(process.execPath, [
      scenario,
      ...['--directory', directory.path, '--failpoints', 'midBatch=crash@3'],
    ]);
    assert.deepEqual([ended.signal, acks(ended)], ['SIGKILL', 2]);
    assert.deepEqual(await heads(directory), [2, 2]);
  });
});

describe('the system calls', () => {
  // kill -9 does not lose the page cache: only the calls themselves show what a power cut would leave.
  const traced = async (directory: StoreDirectory, ...more: readonly string[]) => {
    const trace = path.join(directory.path, 'strace');
    const calls = [
      '-f',
      '-e',
      'trace=write,writev,pwrite64,fdatasync,fsync,openat',
      '-s',
      '200',
      '-o',
      trace,
    ];
    const node = [process.execPath, scenario, '--trace', '--batches', '30', '--directory', directory.path];
    const ended = await run('strace', [...calls, ...node, ...more]);
    return { ended, report: unsyncedAcks(await readFile(trace, 'utf8')) };
  };

  it('show an fdatasync of the log between each batch and its acknowledgement', async () => {
    await using directory = await StoreDirectory.make();
    const { ended, report } = await traced(directory);
    assert.equal(ended.signal, null);
    assert.deepEqual(report, { acks: 30, unsynced: [] });
  });

  it('would show its absence', async () => {
    await using directory = await StoreDirectory.make();
    const { report } = await traced(directory, '--no-sync');
    assert.deepEqual([report.acks, report.unsynced.length], [30, 30]);
  });
});
