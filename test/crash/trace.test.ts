import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchesOf, pairAcknowledgements, readTrace } from './trace.ts';

// Thread 10 is the store's, 11 writes the log, 12 is somebody else. Batch 7 has entries 71 and 72, batch 8 has 81.
const strace = [
  '10  100.000100 write(3</tmp/trace>, "commit 7 5:1:71 6:1:72\\n", 23) = 23 <0.000010>',
  '12  100.000150 write(22<socket:[99]>, "x", 1) = 1 <0.000010>',
  '11  100.000200 write(21</data/store/000005.log>, "\\1\\2"..., 900) = 900 <0.000050>',
  '11  100.000300 fdatasync(21</data/store/000005.log> <unfinished ...>',
  '12  100.000400 write(1<pipe:[3]>, "x", 1) = 1 <0.000010>',
  '11  100.002000 <... fdatasync resumed>)    = 0 <0.001700>',
  '10  100.003000 write(3</tmp/trace>, "commit 8 5:2:81\\n", 16) = 16 <0.000010>',
  '11  100.003100 write(21</data/store/000005.log>, "\\1\\2"..., 900 <unfinished ...>',
  '11  100.003200 <... write resumed>) = 900 <0.000100>',
  '11  100.003300 fdatasync(21</data/store/000005.log>) = 0 <0.000700>',
].join('\n');
const batches = batchesOf('commit 7 5:1:71 6:1:72\ncommit 8 5:2:81\n');

const pair = (output: string, ...acks: readonly (readonly [bigint, number])[]) =>
  pairAcknowledgements(
    acks.map(([msgId, receivedAtMs]) => ({ msgId, receivedAtMs })),
    batches,
    readTrace(output, '/tmp/trace'),
  );

test('an acknowledgement after the sync of its batch is covered', () => {
  assert.deepEqual(pair(strace, [71n, 100_002.1], [72n, 100_002.1], [81n, 100_004.1]), {
    paired: 3,
    unpaired: [],
  });
});

test('one that came before its own sync is not, whatever was synced before', () => {
  const { paired, unpaired } = pair(strace, [71n, 100_001.9], [81n, 100_003.9]);
  assert.equal(paired, 0);
  assert.match(unpaired[0] ?? '', /^71: its sync ended 0\.100 ms after/);
  assert.match(unpaired[1] ?? '', /^81: its sync ended 0\.100 ms after/);
});

test('without a sync nothing is covered', () => {
  const unsynced = strace.split('\n').filter((line) => !line.includes('fdatasync'));
  assert.match(pair(unsynced.join('\n'), [71n, 200_000]).unpaired[0] ?? '', /no sync began/);
});

test('a sync that failed covers nothing', () => {
  const failed = strace
    .replace('resumed>)    = 0', 'resumed>)    = -1 EIO (Input/output error)')
    .split('\n')
    .slice(0, 6);
  assert.match(pair(failed.join('\n'), [71n, 200_000]).unpaired[0] ?? '', /no sync began/);
});

test('a sync that began before the write does not cover it', () => {
  const early = [
    '10  100.000100 write(3</tmp/trace>, "commit 7 5:1:71\\n", 16) = 16 <0.000010>',
    '12  100.000150 fdatasync(21</data/store/000005.log> <unfinished ...>',
    '11  100.000200 write(21</data/store/000005.log>, "\\1"..., 900) = 900 <0.000050>',
    '12  100.002000 <... fdatasync resumed>) = 0 <0.001850>',
  ];
  assert.match(pair(early.join('\n'), [71n, 200_000]).unpaired[0] ?? '', /no sync began/);
});

test('a sync of another file does not count', () => {
  const other = strace.replaceAll(
    'fdatasync(21</data/store/000005.log>',
    'fdatasync(23</data/store/000006.log>',
  );
  assert.equal(pair(other, [71n, 200_000]).paired, 0);
});

test('an entry that no batch names, and a batch that was not seen', () => {
  const { unpaired } = pair(strace.split('\n').slice(1).join('\n'), [99n, 200_000], [71n, 200_000]);
  assert.match(unpaired[0] ?? '', /no batch names it/);
  assert.match(unpaired[1] ?? '', /batch 7 was not seen/);
});
