import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId, UserId } from '../../core/ids.ts';
import type { Membership, MessageStore } from '../message-store.ts';
import type { OpenStore } from './fixture.ts';
import {
  ada,
  append,
  bob,
  commit,
  conversation,
  createDirect,
  createGroup,
  entry,
  group,
  member,
  user,
} from './samples.ts';

/** All of a user's memberships, page by page. */
async function all(store: MessageStore, userId: UserId, pageSize: number): Promise<Membership[]> {
  const found: Membership[] = [];
  for (let after: ConvId | undefined; ; ) {
    const page = await store.memberships(userId, after, pageSize);
    found.push(...page);
    if (page.length < pageSize) return found;
    after = page.at(-1)?.convId;
  }
}

export function memberPromises(open: OpenStore): void {
  describe('memberships', () => {
    it('tell of a direct conversation what a list shows', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const talk = conversation('d_talk');
      const made = createDirect(talk, [entry(1), entry(2)]);
      await commit(store, made);
      const mine = { convNo: talk.convNo, userId: ada, deliveredSeq: 2, readSeq: 1, readOrd: 1 };
      const theirs = { convNo: talk.convNo, userId: bob, deliveredSeq: 1, readSeq: 0, readOrd: 0 };
      await store.raiseCursors([mine, theirs]);
      assert.deepEqual(await store.memberships(ada, undefined, 10), [
        {
          ...talk,
          kind: 'direct',
          member: made.members[0],
          head: { seq: 2, ord: 2, msgId: made.entries[1]?.msgId },
          peer: bob,
          cursor: mine,
          peerCursor: theirs,
          group: undefined,
        },
      ]);
      assert.equal((await store.memberships(bob, undefined, 10))[0]?.peer, ada);
    });

    it('know a conversation with oneself', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await commit(store, createDirect(conversation('d_self'), [entry(1)], [ada]));
      const [found] = await store.memberships(ada, undefined, 10);
      assert.equal(found?.peer, ada);
    });

    it('tell of groups, also those that were left', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const garden = conversation('garden');
      await commit(store, createGroup(garden, { members: [member(ada, { role: 'owner' }), member(bob)] }));
      const left = member(bob, { leftSeq: 2 });
      const row = group({ name: 'Orchard', version: 2 });
      const removed = entry(2, { kind: 'memberRemoved', ord: 0 });
      await commit(store, append(garden, [removed], { members: [left], group: row }));
      const [found] = await store.memberships(bob, undefined, 10);
      assert.deepEqual(found?.member, left);
      assert.deepEqual(found?.group, row);
      assert.deepEqual([found?.peer, found?.cursor, found?.peerCursor], [undefined, undefined, undefined]);
    });

    it('come in bytewise order of conv_id, page by page', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const names = [
        'a',
        'b',
        'Ä',
        'z',
        'Z',
        'ab',
        'a b',
        '🙂',
        'ﬀ',
        ...Array.from({ length: 150 }, (_, at) => `g${at}`),
      ];
      await commit(store, ...names.map((name) => createGroup(conversation(name))));
      const sorted = names.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
      for (const pageSize of [1, 7, 100, 1_000]) {
        const found = await all(store, ada, pageSize);
        assert.deepEqual(
          found.map(({ convId }) => convId),
          sorted,
        );
      }
    });

    it('keep users apart whose names begin alike', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const names = ['a', 'aa', 'ab', 'ba', 'ä'];
      await commit(
        store,
        ...names.map((name) => createGroup(conversation(`of ${name}`), { members: [member(user(name))] })),
      );
      for (const name of names) {
        const found = await store.memberships(user(name), undefined, 10);
        assert.deepEqual(
          found.map(({ convId }) => convId),
          [`of ${name}`],
        );
      }
    });
  });
}
