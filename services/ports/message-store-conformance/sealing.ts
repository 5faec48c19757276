import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstKey, type OpenStore, secondKey } from './fixture.ts';
import {
  append,
  bytes,
  commit,
  conversation,
  createDirect,
  entry,
  failsWith,
  log,
  stored,
} from './samples.ts';

const marker = 'the meeting is at noon, under the old oak';

export function sealingPromises(open: OpenStore): void {
  describe('sealing', () => {
    it('leaves no content in clear', async () => {
      await using fixture = await open();
      const talk = conversation('d_talk-under-the-oak');
      const written = entry(1, { content: bytes(marker) });
      await commit(fixture.store, createDirect(talk, [written]));
      const recall = entry(2, { kind: 'recall', ord: 1 });
      const projections = [
        { seq: 1, msgId: written.msgId, revision: 1, recalled: true, content: bytes(`${marker}!`) },
      ];
      await commit(fixture.store, append(talk, [recall], { projections }));
      assert.equal(await fixture.holds(Buffer.from('d_talk-under-the-oak')), true, 'the search itself works');
      assert.equal(await fixture.holds(Buffer.from(marker)), false);
      assert.equal(await fixture.holds(Buffer.from(marker.slice(0, 12))), false);
      assert.equal(await fixture.holds(fixture.store.clientKeySecret), false);
    });

    it('refuses a wrong master key, and opens with the right one', async () => {
      await using fixture = await open();
      const talk = conversation('d_talk');
      await commit(fixture.store, createDirect(talk));
      await assert.rejects(fixture.reopen([{ ...firstKey, key: secondKey.key }]), failsWith('unavailable'));
      await assert.rejects(fixture.reopen([secondKey]), failsWith('unavailable'));
      await fixture.reopen([firstKey]);
      assert.equal((await log(fixture.store, talk)).length, 1);
    });

    it('seals with the newest key and opens with all', async () => {
      await using fixture = await open();
      const talk = conversation('d_talk');
      const [before, after] = [entry(1), entry(2)];
      await commit(fixture.store, createDirect(talk, [before]));
      await fixture.reopen([secondKey, firstKey]);
      await commit(fixture.store, append(talk, [after]));
      assert.deepEqual(await log(fixture.store, talk), [stored(before), stored(after)]);
      assert.deepEqual((await fixture.store.check()).problems, []);
      await assert.rejects(fixture.reopen([firstKey]), failsWith('unavailable'));
    });

    it('does not open a content that was moved to another entry', async () => {
      await using fixture = await open();
      const talk = conversation('d_talk');
      await commit(fixture.store, createDirect(talk, [entry(1), entry(2), entry(3)]));
      await fixture.exchangeBodies(talk.convNo, 1, 2);
      await assert.rejects(fixture.store.range(talk.convNo, 1, 1, 1, false), failsWith('unavailable'));
      assert.equal((await fixture.store.range(talk.convNo, 3, 3, 1, false)).length, 1);
      assert.equal((await fixture.store.check()).problems.length, 2);
    });
  });
}
