import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CommitBatch, StoreError, type StoreErrorKind } from '../ports/message-store.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { writeBatch } from './write-batch.ts';

const batch: CommitBatch = { epoch: 'epoch', batchId: 1n, conversations: [] };

/** What a store answers in turn; then how it ends and how often it was asked. */
async function write(answers: (StoreErrorKind | 'ok' | 'bug')[], patience = 100): Promise<[string, number]> {
  const store = new MemoryStore();
  let asked = 0;
  store.commit = (given) => {
    assert.equal(given, batch, 'the identical batch');
    const answer = answers[asked];
    asked += 1;
    if (answer === 'ok') return Promise.resolve([]);
    return Promise.reject(answer === 'bug' ? new TypeError('bug') : new StoreError(answer ?? 'epoch', 'no'));
  };
  const pause = async (attempt: number) => attempt < patience;
  const ended = await writeBatch(store, batch, pause).then(
    () => 'ok',
    (error) => (error instanceof StoreError ? error.kind : 'bug'),
  );
  return [ended, asked];
}

describe('a batch', () => {
  const cases: [string, Parameters<typeof write>, [string, number]][] = [
    ['is written', [['ok']], ['ok', 1]],
    ['of which nothing was written is given back', [['unavailable']], ['unavailable', 1]],
    ['that finds the disk full is given back', [['full']], ['full', 1]],
    ['that can not be written is given back', [['rejected']], ['rejected', 1]],
    ['of another epoch is given back', [['epoch']], ['epoch', 1]],
    ['that meets a bug is given back', [['bug']], ['bug', 1]],
    ['of which nobody knows is written again until it is known', [['unknown', 'unknown', 'ok']], ['ok', 3]],
    [
      'of which nobody knows is not given up because the store does not answer for a while',
      [['unknown', 'unavailable', 'full', 'unavailable', 'ok']],
      ['ok', 5],
    ],
    [
      'of which nobody knows and that can not be written was not written',
      [['unknown', 'rejected']],
      ['rejected', 2],
    ],
    [
      'of which nobody knows is given up where there is no time',
      [['unknown', 'unknown', 'ok'], 2],
      ['unknown', 2],
    ],
    [
      'of which nobody knows stays unknown whatever is said of the last try',
      [['unknown', 'unavailable', 'ok'], 2],
      ['unknown', 2],
    ],
  ];
  for (const [name, given, expected] of cases) {
    it(name, async () => assert.deepEqual(await write(...given), expected));
  }
});
