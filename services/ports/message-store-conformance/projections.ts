import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClientKey, NewEntry, Projection } from '../message-store.ts';
import type { OpenStore } from './fixture.ts';
import {
  append,
  batch,
  bytes,
  commit,
  conversation,
  createDirect,
  entry,
  failsWith,
  log,
  stored,
} from './samples.ts';

/** What a recall does to the entry it takes back. */
function wiped({ seq, msgId }: NewEntry, revision = 1): Projection {
  return { seq, msgId, revision, recalled: true, content: bytes('recalled') };
}

const recalled = { recalled: true, revision: 1, content: bytes('recalled') };

export function projectionPromises(open: OpenStore): void {
  describe('a projection', () => {
    it('changes an earlier entry in the commit that causes it', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const [first, second] = [entry(1), entry(2)];
      await commit(store, createDirect(talk, [first, second]));
      const recall = entry(3, { kind: 'recall', ord: 2 });
      await commit(store, append(talk, [recall, entry(4, { ord: 3 })], { projections: [wiped(first)] }));
      assert.deepEqual((await log(store, talk)).slice(0, 3), [
        stored(first, recalled),
        stored(second),
        stored(recall),
      ]);
      assert.equal((await store.load([talk.convId]))[0]?.projectedSeq, 3);
    });

    it('changes an entry of its own batch', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const [sent, recall] = [entry(2), entry(3, { kind: 'recall', ord: 2 })];
      await commit(store, createDirect(talk));
      await commit(store, append(talk, [sent, recall], { projections: [wiped(sent)] }));
      assert.deepEqual((await log(store, talk)).slice(1), [stored(sent, recalled), stored(recall)]);
    });

    it('does not undo what came later when its batch is written again', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const first = entry(1);
      await commit(store, createDirect(talk, [first]));
      const earlier = batch(
        store,
        append(talk, [entry(2, { kind: 'recall', ord: 1 })], {
          projections: [{ ...wiped(first), content: bytes('earlier') }],
        }),
      );
      await store.commit(earlier);
      await commit(
        store,
        append(talk, [entry(3, { kind: 'recall', ord: 1 })], { projections: [wiped(first, 2)] }),
      );
      assert.deepEqual(await store.commit(earlier), [{ t: 'committed' }]);
      assert.deepEqual((await log(store, talk))[0], stored(first, { ...recalled, revision: 2 }));
    });

    it('keeps the places by which its entry is found', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const clientKey = '\x07'.repeat(16) as ClientKey;
      const first = entry(1, { clientKey });
      await commit(store, createDirect(talk, [first]));
      const recall = entry(2, { kind: 'recall', ord: 1 });
      await commit(store, append(talk, [recall], { projections: [wiped(first)] }));
      assert.deepEqual(await store.locate(first.msgId), { convId: talk.convId, seq: 1 });
      assert.equal((await store.findClientKeys(talk.convNo, [clientKey]))[0]?.msgId, first.msgId);
      assert.deepEqual((await store.check()).problems, []);
    });

    it('is rejected where its entry is not there, another one is, or it is older', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const first = entry(1);
      await commit(store, createDirect(talk, [first]));
      const recall = () => entry(2, { kind: 'recall', ord: 1 });
      for (const projection of [wiped(entry(9)), wiped(entry(1)), { ...wiped(first), revision: 0 }]) {
        const impossible = batch(store, append(talk, [recall()], { projections: [projection] }));
        await assert.rejects(store.commit(impossible), failsWith('rejected'));
      }
      assert.deepEqual(await log(store, talk), [stored(first)]);
    });
  });
}
