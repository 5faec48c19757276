import type { ClientKey } from '../message-store.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OpenStore } from './fixture.ts';
import {
  ada,
  append,
  batch,
  bob,
  clientKey,
  commit,
  conversation,
  createDirect,
  createGroup,
  entry,
  failsWith,
  log,
  stored,
} from './samples.ts';

export function commitPromises(open: OpenStore): void {
  describe('commit', () => {
    it('makes a conversation with its first entry', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const made = createDirect(talk);
      assert.deepEqual(await store.commit(batch(store, made)), [{ t: 'committed' }]);
      const [snapshot] = await store.load([talk.convId]);
      assert.deepEqual(snapshot, {
        ...talk,
        kind: 'direct',
        head: { seq: 1, ord: 1, msgId: made.entries[0]?.msgId },
        projectedSeq: 0,
        group: undefined,
        members: made.members,
      });
    });

    it('appends, and moves the head', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const entries = [entry(2), entry(3, { kind: 'recall', ord: 2 }), entry(4, { ord: 3 })];
      assert.deepEqual(await commit(store, createDirect(talk)), ['committed']);
      assert.deepEqual(await commit(store, append(talk, entries)), ['committed']);
      const [snapshot] = await store.load([talk.convId]);
      assert.deepEqual(snapshot?.head, { seq: 4, ord: 3, msgId: entries[2]?.msgId });
    });

    it('fences the second of two writers, and writes nothing of it', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const [first, winner, loser] = [entry(1), entry(2), entry(2)];
      await commit(store, createDirect(talk, [first]));
      await commit(store, append(talk, [winner]));
      assert.deepEqual(await store.commit(batch(store, append(talk, [loser, entry(3)]))), [
        { t: 'fenced', duplicates: [] },
      ]);
      assert.deepEqual(await log(store, talk), [stored(first), stored(winner)]);
      assert.equal(await store.locate(loser.msgId), undefined);
    });

    it('fences a writer that believes in entries that are not there', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      await commit(store, createDirect(talk));
      assert.deepEqual(await commit(store, append(talk, [entry(3)])), ['fenced']);
      assert.deepEqual(await commit(store, append(conversation('d_nowhere'), [entry(5)])), ['fenced']);
    });

    it('lets exactly one of many rivals at once win each seq', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      await commit(store, createDirect(talk));
      const rivals = Array.from({ length: 20 }, () => entry(2));
      const outcomes = await Promise.all(rivals.map((rival) => commit(store, append(talk, [rival]))));
      const winners = rivals.filter((_, at) => outcomes[at]?.[0] === 'committed');
      assert.equal(winners.length, 1);
      assert.equal((await log(store, talk))[1]?.msgId, winners[0]?.msgId);
    });

    it('lets the first to make a conversation win, whatever number the other has drawn', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const [first, second] = [conversation('d_talk'), conversation('d_talk')];
      const key = clientKey('hello');
      const made = entry(1, { clientKey: key });
      await commit(store, createDirect(first, [made]));
      const { seq, msgId, kind, createdAtMs } = made;
      assert.deepEqual(
        await store.commit(batch(store, createDirect(second, [entry(1, { clientKey: key })]))),
        [{ t: 'fenced', duplicates: [{ clientKey: key, seq, msgId, kind, createdAtMs }] }],
      );
      assert.deepEqual(await log(store, second), []);
      assert.equal((await store.load([first.convId]))[0]?.convNo, first.convNo);
    });

    it('commits the other conversations of a batch as they stand', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const [one, lost, other] = ['d_one', 'd_lost', 'd_other'].map(conversation);
      assert.ok(one && lost && other);
      await commit(store, createDirect(lost), createDirect(other));
      assert.deepEqual(
        await commit(store, createDirect(one), append(lost, [entry(1)]), append(other, [entry(2)])),
        ['committed', 'fenced', 'committed'],
      );
      const heads = (await store.load([one.convId, lost.convId, other.convId])).map(
        (found) => found?.head.seq,
      );
      assert.deepEqual(heads, [1, 1, 2]);
    });

    it('finds client keys that are there, and then writes nothing of the conversation', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const key = clientKey('once');
      const first = entry(1, { clientKey: key });
      await commit(store, createDirect(talk, [first]));
      const again = [entry(2), entry(3, { clientKey: key })];
      const { seq, msgId, kind, createdAtMs } = first;
      assert.deepEqual(await store.commit(batch(store, append(talk, again))), [
        { t: 'duplicate', duplicates: [{ clientKey: key, seq, msgId, kind, createdAtMs }] },
      ]);
      assert.deepEqual(await log(store, talk), [stored(first)]);
    });

    it('names the duplicates of a conversation that it fences', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const key = clientKey('sent by the other owner');
      const first = entry(1, { clientKey: key });
      await commit(store, createDirect(talk, [first]));
      const [outcome] = await store.commit(batch(store, append(talk, [entry(1, { clientKey: key })])));
      assert.equal(outcome?.t, 'fenced');
      assert.equal(outcome.duplicates[0]?.msgId, first.msgId);
    });

    it('keeps client keys of different conversations apart', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const clientId = { clientKey: clientKey('same') };
      const [one, other] = [conversation('d_one'), conversation('d_other')];
      assert.deepEqual(
        await commit(
          store,
          createDirect(one, [entry(1, clientId)]),
          createDirect(other, [entry(1, clientId)]),
        ),
        ['committed', 'committed'],
      );
    });

    it('answers an identical batch like the first time, and changes nothing', async () => {
      await using fixture = await open();
      const talk = conversation('d_talk');
      const made = createDirect(talk, [entry(1, { clientKey: clientKey('one') })]);
      const more = append(talk, [entry(2, { clientKey: clientKey('two') }), entry(3)]);
      const [first, second] = [batch(fixture.store, made), batch(fixture.store, more)];
      for (const each of [first, first, second, second, first]) {
        assert.deepEqual(await fixture.store.commit(each), [{ t: 'committed' }]);
      }
      await fixture.reopen();
      assert.deepEqual(await fixture.store.commit(first), [{ t: 'committed' }]);
      assert.deepEqual(await fixture.store.commit(second), [{ t: 'committed' }]);
      assert.deepEqual(
        await log(fixture.store, talk),
        [...made.entries, ...more.entries].map((each) => stored(each)),
      );
    });

    it('answers an identical batch of which one conversation had lost just so', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const [one, lost] = [conversation('d_one'), conversation('d_lost')];
      await commit(store, createDirect(lost));
      const both = batch(store, createDirect(one), createDirect(lost));
      const first = await store.commit(both);
      assert.deepEqual(await store.commit(both), first);
    });

    it('refuses another epoch, and writes nothing', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const stale = { ...batch(store, createDirect(talk)), epoch: 'another' };
      await assert.rejects(store.commit(stale), failsWith('epoch'));
      assert.deepEqual(await store.load([talk.convId]), [undefined]);
    });

    it('rejects a batch that no store could keep, whole', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const key = { clientKey: clientKey('twice') };
      const impossible = {
        'no entries': [append(talk, [])],
        'a gap': [createDirect(talk, [entry(1), entry(3)])],
        'a beginning elsewhere': [createDirect(talk, [entry(2)])],
        'a conversation twice': [createDirect(talk), createDirect({ ...talk, convNo: 77n })],
        'a client key twice': [createDirect(talk, [entry(1, key), entry(2, key)])],
        'a short client key': [createDirect(talk, [entry(1, { clientKey: 'short' as ClientKey })])],
      };
      const good = conversation('d_good');
      for (const [what, conversations] of Object.entries(impossible)) {
        const mixed = batch(store, createDirect(good), ...conversations);
        await assert.rejects(store.commit(mixed), failsWith('rejected'), what);
      }
      assert.deepEqual(await store.load([good.convId, talk.convId]), [undefined, undefined]);
      assert.deepEqual(await commit(store, createDirect(talk)), ['committed']);
    });

    it('keeps everything through a restart', async () => {
      await using fixture = await open();
      const { epoch, clientKeySecret } = fixture.store;
      const [talk, garden] = [conversation('d_talk'), conversation('garden')];
      await commit(fixture.store, createDirect(talk, [entry(1), entry(2)]), createGroup(garden));
      const before = await fixture.store.load([talk.convId, garden.convId]);
      const logBefore = await log(fixture.store, talk);
      await fixture.reopen();
      assert.equal(fixture.store.epoch, epoch);
      assert.deepEqual(fixture.store.clientKeySecret, clientKeySecret);
      assert.equal(clientKeySecret.byteLength, 32);
      assert.deepEqual(await fixture.store.load([talk.convId, garden.convId]), before);
      assert.deepEqual(await log(fixture.store, talk), logBefore);
    });

    it('refuses everything once closed', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await store.close();
      await store.close();
      await assert.rejects(commit(store, createDirect(conversation('d_talk'))), failsWith('unavailable'));
      await assert.rejects(store.memberships(ada, undefined, 10), failsWith('unavailable'));
      await assert.rejects(store.cursors(1n, [bob]), failsWith('unavailable'));
    });
  });
}
