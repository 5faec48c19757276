import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CursorRow } from '../message-store.ts';
import type { OpenStore } from './fixture.ts';
import { ada, bob, commit, conversation, createDirect, entry, user } from './samples.ts';

export function cursorPromises(open: OpenStore): void {
  describe('cursors', () => {
    const talk = conversation('d_talk');
    const row = (fields: Partial<CursorRow>): CursorRow => ({
      convNo: talk.convNo,
      userId: ada,
      deliveredSeq: 0,
      readSeq: 0,
      readOrd: 0,
      ...fields,
    });

    it('only grow, each part by itself', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const steps: [Partial<CursorRow>, Partial<CursorRow>][] = [
        [
          { deliveredSeq: 5, readSeq: 3, readOrd: 2 },
          { deliveredSeq: 5, readSeq: 3, readOrd: 2 },
        ],
        [
          { deliveredSeq: 4, readSeq: 2, readOrd: 1 },
          { deliveredSeq: 5, readSeq: 3, readOrd: 2 },
        ],
        [
          { deliveredSeq: 7, readSeq: 1, readOrd: 1 },
          { deliveredSeq: 7, readSeq: 3, readOrd: 2 },
        ],
        [
          { deliveredSeq: 6, readSeq: 6, readOrd: 4 },
          { deliveredSeq: 7, readSeq: 6, readOrd: 4 },
        ],
      ];
      for (const [raised, expected] of steps) {
        await store.raiseCursors([row(raised)]);
        assert.deepEqual(await store.cursors(talk.convNo, [ada]), [row(expected)]);
      }
    });

    it('keep the highest of one user named twice in one call, or in calls at once', async () => {
      await using fixture = await open();
      const { store } = fixture;
      await store.raiseCursors([row({ deliveredSeq: 9 }), row({ deliveredSeq: 4 })]);
      await Promise.all(
        [11, 30, 20, 12].map((seq) => store.raiseCursors([row({ readSeq: seq, readOrd: seq })])),
      );
      assert.deepEqual(await store.cursors(talk.convNo, undefined), [
        row({ deliveredSeq: 9, readSeq: 30, readOrd: 30 }),
      ]);
    });

    it('are read for those named or for all, of one conversation', async () => {
      await using fixture = await open();
      const { store } = fixture;
      const users = Array.from({ length: 1_200 }, (_, at) => user(`user ${at}`));
      const other = row({ convNo: talk.convNo + 1n, deliveredSeq: 1 });
      await store.raiseCursors([...users.map((userId) => row({ userId, deliveredSeq: 1 })), other]);
      assert.equal((await store.cursors(talk.convNo, undefined)).length, 1_200);
      const named = await store.cursors(talk.convNo, [user('user 7'), bob, user('user 1199')]);
      assert.deepEqual(
        named.map(({ userId }) => userId),
        ['user 7', 'user 1199'],
      );
      assert.deepEqual(await store.cursors(talk.convNo, []), []);
    });

    it('survive a restart', async () => {
      await using fixture = await open();
      await commit(fixture.store, createDirect(talk, [entry(1), entry(2)]));
      await fixture.store.raiseCursors([row({ deliveredSeq: 2, readSeq: 2, readOrd: 2 })]);
      await fixture.reopen();
      assert.deepEqual(await fixture.store.cursors(talk.convNo, [ada]), [
        row({ deliveredSeq: 2, readSeq: 2, readOrd: 2 }),
      ]);
    });
  });
}
