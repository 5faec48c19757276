import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../../test/e2e/support/until.ts';
import type { Directory } from '../directory.ts';
import { awkwardIds, node, type OpenDirectory } from './fixture.ts';

const ids = async (directory: Directory, role = 'message' as const): Promise<string[]> =>
  (await directory.nodes.list(role)).nodes.map(({ id }) => id).sort();

export function nodeLeasePromises(open: OpenDirectory): void {
  describe('node leases', () => {
    it('shows every node what the others tell of themselves', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      const [one, two] = [
        node('one'),
        node('two', { state: 'joining', load: 0.75, incarnation: 2 ** 51, protocol: 3 }),
      ];
      assert.equal(await directory.nodes.renew(one), 'held');
      assert.equal(await other.nodes.renew(two), 'held');
      const { nodes } = await other.nodes.list('message');
      assert.deepEqual(
        [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1)),
        [one, two],
      );
    });

    it('keeps roles apart', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      await directory.nodes.renew(node('one'));
      await directory.nodes.renew(node('one', { role: 'group' }));
      await directory.nodes.leave(node('one'));
      assert.deepEqual((await directory.nodes.list('message')).nodes, []);
      assert.deepEqual((await directory.nodes.list('group')).nodes, [node('one', { role: 'group' })]);
    });

    it('replaces what a node told with what it tells now', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      const moved = node('one', { load: 1, state: 'draining', address: '[::1]:9505' });
      await directory.nodes.renew(node('one'));
      await directory.nodes.renew(moved);
      assert.deepEqual((await directory.nodes.list('message')).nodes, [moved]);
    });

    it('lets a lease lapse by itself, and not while it is renewed', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      await directory.nodes.renew(node('gone'));
      await until(
        async () => {
          await directory.nodes.renew(node('stays'));
          const there = await ids(other);
          assert.ok(there.includes('stays'));
          return !there.includes('gone');
        },
        () => 'the lease stands for ever',
      );
    });

    it('ends a lease at once when its node leaves', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      await directory.nodes.renew(node('one'));
      await directory.nodes.renew(node('two'));
      await directory.nodes.leave(node('one'));
      assert.deepEqual(await ids(other), ['two']);
      await directory.nodes.leave(node('nobody'));
    });

    it('lets the newer incarnation of an id win, whoever comes last', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      const [older, newer] = [
        node('one', { incarnation: 7 }),
        node('one', { incarnation: 8, address: 'new:1' }),
      ];
      assert.equal(await directory.nodes.renew(older), 'held');
      assert.equal(await other.nodes.renew(newer), 'held');
      assert.equal(await directory.nodes.renew(older), 'superseded');
      await directory.nodes.leave(older);
      assert.deepEqual((await directory.nodes.list('message')).nodes, [newer]);
    });

    it('lets exactly one of many incarnations at once stand', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      const rivals = Array.from({ length: 20 }, (_, at) => node('one', { incarnation: 100 - at }));
      const answers = await Promise.all(
        rivals.map((rival, at) => (at % 2 === 0 ? directory : other).nodes.renew(rival)),
      );
      assert.equal(answers[0], 'held');
      const again = await Promise.all(rivals.map((rival) => directory.nodes.renew(rival)));
      assert.deepEqual(again, ['held', ...rivals.slice(1).map(() => 'superseded')]);
      assert.deepEqual((await other.nodes.list('message')).nodes, [rivals[0]]);
    });

    it('hints at nodes that come and leave', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      let hints = 0;
      const end = other.nodes.onChange('message', () => {
        hints += 1;
      });
      // A hint may be lost while the listener is not connected yet: so nodes come until one arrives.
      let incarnation = 0;
      await until(
        async () => {
          incarnation += 1;
          await directory.nodes.renew(node('one', { incarnation }));
          return hints > 0;
        },
        () => 'no hint of a node that came',
      );
      const before = hints;
      await until(
        async () => {
          await directory.nodes.leave(node('one', { incarnation }));
          return hints > before;
        },
        () => 'no hint of a node that left',
      );
      end();
    });

    it('hints at a node that tells another state, and not at one that only renews', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      const hints = new Map([['message', 0] as [string, number], ['group', 0]]);
      const listen = (role: 'message' | 'group') =>
        other.nodes.onChange(role, () => hints.set(role, (hints.get(role) ?? 0) + 1));
      const ends = [listen('message'), listen('group')];
      const quiet = node('quiet', { role: 'group' });
      await directory.nodes.renew(quiet);
      let turns = 0;
      await until(
        async () => {
          turns += 1;
          await directory.nodes.renew({ ...quiet, load: turns % 2 });
          await directory.nodes.renew(node('one', { state: turns % 2 === 0 ? 'ready' : 'draining' }));
          return (hints.get('message') ?? 0) >= 3;
        },
        () => 'no hint of another state',
      );
      // Its coming alone may have been heard of.
      assert.ok((hints.get('group') ?? 0) <= 1, `${hints.get('group')}`);
      for (const end of ends) end();
    });

    it('keeps its generation while nothing is lost', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      await directory.nodes.renew(node('one'));
      const { generation } = await directory.nodes.list('message');
      await directory.nodes.renew(node('two'));
      await directory.nodes.leave(node('one'));
      assert.equal((await directory.nodes.list('message')).generation, generation);
    });

    it('takes any id', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      for (const id of awkwardIds) assert.equal(await directory.nodes.renew(node(id)), 'held');
      assert.deepEqual(await ids(directory), [...awkwardIds].sort());
    });
  });
}
