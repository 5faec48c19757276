import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../../test/e2e/support/until.ts';
import type { UserId } from '../../core/ids.ts';
import type { Directory } from '../directory.ts';
import { ada, awkwardIds, bob, type OpenDirectory, session } from './fixture.ts';

const sessionsOf = async (directory: Directory, userId: UserId) =>
  [...(await directory.sessions.of(userId))].sort((a, b) => a.session - b.session);

export function sessionPromises(open: OpenDirectory): void {
  describe('sessions', () => {
    it('shows the sessions of a user, whatever node has them', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      const [one, two] = [session(1), session(2, { nodeId: 'edge-2' })];
      await directory.sessions.put([one, session(3, { userId: bob })]);
      await other.sessions.put([two]);
      assert.deepEqual(await sessionsOf(directory, ada), [one, two]);
      assert.deepEqual(await sessionsOf(other, bob), [session(3, { userId: bob })]);
    });

    it('counts the sessions of each user, in the order asked', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      await directory.sessions.put([session(1), session(2), session(3, { userId: bob })]);
      assert.deepEqual(await other.sessions.count([bob, 'nobody' as UserId, ada]), [1, 0, 2]);
      assert.deepEqual(await other.sessions.count([]), []);
    });

    it('takes sessions out, and those of the same number on another node not', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      const twin = session(1, { nodeId: 'edge-2' });
      await directory.sessions.put([session(1), twin]);
      await directory.sessions.remove([session(1), session(9)]);
      assert.deepEqual(await sessionsOf(other, ada), [twin]);
      await directory.sessions.remove([twin]);
      assert.deepEqual(await other.sessions.count([ada]), [0]);
      assert.deepEqual(await sessionsOf(other, ada), []);
    });

    it('lets sessions end by themselves, and not while they are put again', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      await directory.sessions.put([session(1)]);
      await until(
        async () => {
          await directory.sessions.put([session(2)]);
          const there = (await sessionsOf(other, ada)).map((each) => each.session);
          assert.ok(there.includes(2));
          return !there.includes(1);
        },
        () => 'the session stands for ever',
      );
      assert.deepEqual(await other.sessions.count([ada]), [1]);
    });

    it('takes a thousand at once', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      const users = Array.from({ length: 1_000 }, (_, at) => `user ${at}` as UserId);
      await directory.sessions.put(users.map((userId, at) => session(at, { userId })));
      assert.deepEqual(
        await other.sessions.count(users),
        users.map(() => 1),
      );
      await directory.sessions.remove(users.map((userId, at) => session(at, { userId })));
      assert.deepEqual(
        await other.sessions.count(users),
        users.map(() => 0),
      );
    });

    it('takes any id', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      const all = awkwardIds.map((id, at) => session(at, { userId: id as UserId, nodeId: id, deviceId: id }));
      await directory.sessions.put(all);
      for (const each of all) assert.deepEqual(await directory.sessions.of(each.userId), [each]);
    });
  });
}
