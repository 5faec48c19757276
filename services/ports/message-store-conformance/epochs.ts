import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OpenStore } from './fixture.ts';
import {
  ada,
  append,
  batch,
  bob,
  commit,
  conversation,
  createDirect,
  entry,
  failsWith,
  log,
} from './samples.ts';

export function epochPromises(open: OpenStore): void {
  describe('the epoch', () => {
    it('is renewed for good, and counts here once it is adopted', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const before = store.epoch;
      assert.deepEqual(await commit(store, createDirect(talk)), ['committed']);
      assert.equal(await store.readEpoch(), before);
      const renewed = await store.renewEpoch(before);
      assert.notEqual(renewed, before);
      assert.equal(await store.readEpoch(), renewed);
      assert.equal(store.epoch, before);
      const next = append(talk, [entry(2)]);
      await assert.rejects(store.commit(batch(store, next)), failsWith('epoch'));
      store.adoptEpoch(renewed);
      assert.equal(store.epoch, renewed);
      assert.deepEqual(await commit(store, next), ['committed']);
      assert.equal((await log(store, talk)).length, 2);
      await fixture.reopen();
      assert.equal(fixture.store.epoch, renewed);
    });

    it('is drawn once for all who find the same one void', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const before = store.epoch;
      const renewed = await Promise.all([1, 2, 3].map(() => store.renewEpoch(before)));
      assert.equal(new Set(renewed).size, 1);
      assert.equal(await store.renewEpoch(before), renewed[0]);
    });

    it('takes back cursors of entries that are gone, and takes no more of those who knew them', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const { convNo } = talk;
      await commit(store, createDirect(talk, [entry(1), entry(2)]));
      const far = { convNo, userId: ada, deliveredSeq: 9, readSeq: 9, readOrd: 9 };
      const near = { convNo, userId: bob, deliveredSeq: 9, readSeq: 1, readOrd: 1 };
      await store.raiseCursors([far, near]);
      const renewed = await store.renewEpoch(store.epoch);
      await store.raiseCursors([far]);
      assert.deepEqual(await store.cursors(convNo, [ada, bob]), [
        { ...far, deliveredSeq: 2, readSeq: 2, readOrd: 2 },
        { ...near, deliveredSeq: 2 },
      ]);
      store.adoptEpoch(renewed);
      await store.raiseCursors([near]);
      assert.deepEqual(await store.cursors(convNo, [bob]), [near]);
    });
  });
}
