import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ByteString, byteString } from '../../core/byte-string.ts';
import type { ConvId } from '../../core/ids.ts';
import type { HeadSnapshot } from '../message-store.ts';
import type { OpenStore } from './fixture.ts';
import {
  append,
  clientKey,
  commit,
  conversation,
  createDirect,
  createGroup,
  entry,
  failsWith,
  group,
  log,
  member,
  newNumber,
  stored,
  user,
} from './samples.ts';

export function readPromises(open: OpenStore): void {
  describe('range', () => {
    it('reads both ways, between both ends, at most so many', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      await commit(
        store,
        createDirect(
          talk,
          Array.from({ length: 150 }, (_, at) => entry(at + 1)),
        ),
      );
      const seqs = async (from: number, to: number, limit: number, backward: boolean) =>
        (await store.range(talk.convNo, from, to, limit, backward)).map(({ seq }) => seq);
      assert.deepEqual(await seqs(3, 5, 10, false), [3, 4, 5]);
      assert.deepEqual(await seqs(3, 100, 2, false), [3, 4]);
      assert.deepEqual(await seqs(3, 100, 2, true), [99, 100]);
      assert.deepEqual(await seqs(0, 2, 10, true), [1, 2]);
      assert.deepEqual(await seqs(149, 900, 10, false), [149, 150]);
      assert.deepEqual(await seqs(1, Number.MAX_SAFE_INTEGER, 2, true), [149, 150]);
      assert.deepEqual(await seqs(151, 900, 10, true), []);
      assert.deepEqual(await seqs(5, 4, 10, false), []);
      assert.equal((await seqs(1, 150, 1_000, false)).length, 150);
    });

    it('gives back what was written, whatever it is', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_ünïcode');
      const entries = [
        entry(1, { sender: 'Zoë 🙂', content: '' as ByteString, clientKey: clientKey('a') }),
        entry(2, { content: byteString(Buffer.alloc(60_000, 0xff)), createdAtMs: Number.MAX_SAFE_INTEGER }),
        entry(3, { msgId: 2n ** 63n - 1n, kind: 'roleChanged', ord: 2, sender: '' }),
      ];
      await commit(store, createDirect(talk, entries));
      assert.deepEqual(
        await log(store, talk),
        entries.map((each) => stored(each)),
      );
    });

    it('finds nothing in a conversation that is not there', async () => {
      await using fixture = await open();
      assert.deepEqual(await fixture.store.range(newNumber(), 1, 9, 9, false), []);
    });
  });

  describe('heads', () => {
    it('are answered in the order asked, undefined for what is not there, and change with every commit', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const all = Array.from({ length: 100 }, (_, at) => conversation(`d_${at}`));
      await commit(store, ...all.map((each) => createDirect(each)));
      const asked = ['d_99', 'd_none', 'd_3', 'd_99'] as ConvId[];
      const agrees = async (): Promise<readonly (HeadSnapshot | undefined)[]> => {
        const heads = await store.heads(asked);
        const whole = (await store.load(asked)).map(
          (each) => each && { convId: each.convId, head: each.head, projectedSeq: each.projectedSeq },
        );
        assert.deepEqual(heads, whole);
        return heads;
      };
      const before = await agrees();
      const third = all[3] as (typeof all)[number];
      await commit(store, append(third, [entry(2)]));
      const after = await agrees();
      assert.deepEqual([before[2]?.head.seq, after[2]?.head.seq, after[1]], [1, 2, undefined]);
      assert.deepEqual(after[0], before[0]);
      assert.deepEqual(await store.heads([]), []);
    });
  });

  describe('load', () => {
    it('answers in the order asked, undefined for what is not there', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const all = Array.from({ length: 100 }, (_, at) => conversation(`d_${at}`));
      await commit(store, ...all.map((each) => createDirect(each)));
      const asked = ['d_99', 'd_none', 'd_3', 'd_99'] as ConvId[];
      const found = await store.load(asked);
      assert.deepEqual(
        found.map((each) => each?.convId),
        ['d_99', undefined, 'd_3', 'd_99'],
      );
      const whole = await store.load(all.map(({ convId }) => convId));
      assert.deepEqual(
        whole.map((each) => each?.convNo),
        all.map(({ convNo }) => convNo),
      );
    });

    it('knows a group with all its members, former ones included', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const garden = conversation('garden');
      const members = Array.from({ length: 700 }, (_, at) => member(user(`user ${at}`)));
      const row = group({
        name: 'Gärten',
        maxMembers: 100_000,
        history: 'all',
        memberCount: 700,
        version: 12,
      });
      await commit(store, createGroup(garden, { members, group: row }));
      const left = { ...(members[5] ?? member(user('user 5'))), leftSeq: 2, leftOrd: 0, rev: newNumber() };
      await commit(store, append(garden, [entry(2, { kind: 'memberRemoved', ord: 0 })], { members: [left] }));
      const [snapshot] = await store.load([garden.convId]);
      assert.deepEqual(snapshot?.group, row);
      const expected = members.map((each) => (each.userId === left.userId ? left : each));
      const byUser = new Map(snapshot?.members.map((each) => [each.userId, each]));
      assert.equal(snapshot?.members.length, 700);
      for (const each of expected) assert.deepEqual(byUser.get(each.userId), each);
    });

    it('sees head, group and members of the same moment', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const garden = conversation('garden');
      await commit(store, createGroup(garden));
      const writing = (async () => {
        for (let seq = 2; seq <= 60; seq++) {
          const members = [member(user(`user ${seq}`))];
          const added = entry(seq, { kind: 'membersAdded', ord: 0 });
          await commit(
            store,
            append(garden, [added], { members, group: group({ version: seq, memberCount: seq }) }),
          );
        }
      })();
      let seen = 0;
      while (seen < 60) {
        const [snapshot] = await store.load([garden.convId]);
        assert.ok(snapshot);
        assert.equal(snapshot.group?.version, snapshot.head.seq);
        assert.equal(snapshot.members.length, snapshot.head.seq);
        assert.ok(snapshot.head.seq >= seen);
        seen = snapshot.head.seq;
      }
      await writing;
    });
  });

  describe('locate', () => {
    it('finds an entry by its msg id', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const second = entry(2);
      await commit(store, createDirect(talk, [entry(1), second]));
      assert.deepEqual(await store.locate(second.msgId), { convId: talk.convId, seq: 2 });
      assert.equal(await store.locate(newNumber()), undefined);
    });
  });

  describe('findClientKeys', () => {
    it('finds those that the conversation has', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const [talk, other] = [conversation('d_talk'), conversation('d_other')];
      const keys = ['a', 'b', 'c'].map(clientKey);
      const entries = [1, 2].map((seq) => entry(seq, { clientKey: keys[seq - 1] }));
      await commit(
        store,
        createDirect(talk, entries),
        createDirect(other, [entry(1, { clientKey: keys[2] })]),
      );
      const found = await store.findClientKeys(talk.convNo, keys);
      assert.deepEqual(
        found,
        entries.map(({ seq, msgId, kind, createdAtMs, clientKey: key }) => ({
          clientKey: key,
          seq,
          msgId,
          kind,
          createdAtMs,
        })),
      );
    });
  });

  describe('every read', () => {
    it('is bounded', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const many = Array.from({ length: 1_001 }, (_, at) => `${at}`);
      const tooMuch = [
        () => store.load(many as ConvId[]),
        () => store.range(1n, 1, 9_999, 1_001, false),
        () => store.range(1n, 1, 9_999, 0, false),
        () => store.findClientKeys(1n, many.map(clientKey)),
        () => store.memberships(user('ada'), undefined, 1_001),
        () => store.memberships(user('ada'), undefined, 0),
      ];
      for (const read of tooMuch) await assert.rejects(read(), failsWith('rejected'));
      const enough = many.slice(1);
      assert.equal((await store.load(enough as ConvId[])).length, 1_000);
      assert.deepEqual(await store.findClientKeys(1n, enough.map(clientKey)), []);
    });
  });

  describe('check', () => {
    it('finds nothing wrong, and counts', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const [talk, garden] = [conversation('d_talk'), conversation('garden')];
      await commit(store, createDirect(talk, [entry(1), entry(2)]), createGroup(garden));
      await store.raiseCursors([
        { convNo: talk.convNo, userId: user('ada'), deliveredSeq: 2, readSeq: 1, readOrd: 1 },
      ]);
      let progress = 0;
      const report = await store.check((entries) => {
        progress = entries;
      });
      assert.deepEqual(report, { conversations: 2, entries: 3, problems: [] });
      assert.equal(progress, 3);
    });
  });
}
