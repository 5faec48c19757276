import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreError } from '../../ports/message-store.ts';
import {
  ada,
  append,
  batch,
  commit,
  conversation,
  createDirect,
  entry,
  failsWith,
  log,
  stored,
} from '../../ports/message-store-conformance/samples.ts';
import type { EmbeddedStore } from './embedded-store.ts';
import type { StoreLog } from './events.ts';
import { StoreDirectory } from './testing/store-directory.ts';

/** Commits until the store takes it; every refusal on the way has to be a clear one. */
async function commitOnceItCan(store: EmbeddedStore, one: ReturnType<typeof append>): Promise<void> {
  for (;;) {
    try {
      assert.deepEqual(await commit(store, one), ['committed']);
      return;
    } catch (error) {
      assert.ok(failsWith('unavailable')(error), String(error));
    }
  }
}

describe('after a write that failed', () => {
  for (const failpoint of ['beforeCommit=error@2', 'midBatch=error@2'])
    it(`nothing of it is there, and the store goes on by itself (${failpoint})`, async () => {
      await using directory = await StoreDirectory.make();
      await using store = await directory.open({ failpoints: failpoint });
      const talk = conversation('d_talk');
      const [first, second] = [entry(1), entry(2)];
      await commit(store, createDirect(talk, [first]));
      await assert.rejects(commit(store, append(talk, [second])), failsWith('unavailable'));
      assert.deepEqual(await log(store, talk), [stored(first)], 'reads go on');
      await commitOnceItCan(store, append(talk, [second]));
      assert.deepEqual(await log(store, talk), [stored(first), stored(second)]);
      assert.deepEqual((await store.check()).problems, []);
    });

  it('it counts as committed if it stands there all the same', async () => {
    await using directory = await StoreDirectory.make();
    await using store = await directory.open({ failpoints: 'afterCommit=error@2' });
    const talk = conversation('d_talk');
    await commit(store, createDirect(talk));
    assert.deepEqual(await commit(store, append(talk, [entry(2)])), ['committed']);
    await commitOnceItCan(store, append(talk, [entry(3)]));
    assert.deepEqual(
      (await log(store, talk)).map(({ seq }) => seq),
      [1, 2, 3],
    );
  });

  it('reads and other calls of the same moment are answered, and none is left hanging', async () => {
    await using directory = await StoreDirectory.make();
    await using store = await directory.open({ failpoints: 'beforeCommit=error@2' });
    const talk = conversation('d_talk');
    await commit(store, createDirect(talk));
    const answers = await Promise.allSettled([
      commit(store, append(talk, [entry(2)])),
      store.raiseCursors([{ convNo: talk.convNo, userId: ada, deliveredSeq: 1, readSeq: 1, readOrd: 1 }]),
      store.leaseWorker('holder', 1, 2),
      store.range(talk.convNo, 1, 1, 1, false),
      store.memberships(ada, undefined, 10),
      store.load([talk.convId]),
    ]);
    const refused = answers.filter((answer) => answer.status === 'rejected');
    for (const { reason } of refused)
      assert.ok(reason instanceof StoreError && reason.kind === 'unavailable');
    assert.deepEqual(
      answers.slice(3).map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled'],
    );
  });

  it('it is told in the log, once each', async () => {
    await using directory = await StoreDirectory.make();
    const actions: unknown[] = [];
    const take = (fields: object) => void actions.push((fields as Record<string, unknown>)['event.action']);
    const told: StoreLog = { info: take, warn: take, error: take };
    await using store = await directory.open({ failpoints: 'beforeCommit=error@1', log: told });
    const made = createDirect(conversation('d_talk'));
    await assert.rejects(commit(store, made), failsWith('unavailable'));
    assert.deepEqual([store.meters.failedWrites, store.meters.accepting], [1, 0]);
    await commitOnceItCan(store, made);
    assert.equal(store.meters.accepting, 1);
    assert.deepEqual(actions, ['store-write-failed', 'store-reopened', 'store-recovered']);
  });
});

describe('while a commit is slow', () => {
  it('reads pass it', async () => {
    await using directory = await StoreDirectory.make();
    await using store = await directory.open({ failpoints: 'beforeCommit=delay:500@2' });
    const talk = conversation('d_talk');
    await commit(store, createDirect(talk));
    const order: string[] = [];
    const slow = store.commit(batch(store, append(talk, [entry(2)]))).then(() => order.push('commit'));
    const read = log(store, talk).then((entries) => order.push(`read ${entries.length}`));
    await Promise.all([slow, read]);
    assert.deepEqual(order, ['read 1', 'commit']);
  });
});
