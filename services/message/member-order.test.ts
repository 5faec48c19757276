import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { UserId } from '../core/ids.ts';
import type { MemberRow } from '../ports/message-store.ts';
import { MemberOrder } from './member-order.ts';

const row = (userId: string, leftSeq = 0): MemberRow => ({
  userId: userId as UserId,
  role: 'member',
  joinedSeq: 1,
  joinedOrd: 0,
  leftSeq,
  leftOrd: 0,
  rev: 1n,
});

/** All of them, page by page. */
function listed(order: MemberOrder, limit: number): string[] {
  const all: string[] = [];
  let after: UserId | undefined;
  for (let more = true; more; ) {
    const page = order.page(after, limit);
    assert.ok(page.users.length <= limit);
    all.push(...page.users);
    ({ more } = page);
    after = page.users.at(-1);
  }
  return all;
}

test('it stays in order through whatever changes, and pages leave nobody out', () => {
  const name = fc.string({
    unit: fc.constantFrom('a', 'b', 'é', '\u{1F600}', '\uFF21'),
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(name),
      fc.array(fc.record({ name, leaves: fc.boolean() })),
      fc.integer({ min: 1, max: 5 }),
      (first, changes, limit) => {
        const order = new MemberOrder([...first.map((id) => row(id)), row('zz-former', 9)]);
        const present = new Set(first);
        for (const change of changes) {
          order.changed(row(change.name, change.leaves ? 7 : 0));
          if (change.leaves) present.delete(change.name);
          else present.add(change.name);
        }
        assert.deepEqual(
          listed(order, limit),
          [...present].sort((one, other) => (one < other ? -1 : 1)),
        );
      },
    ),
  );
});

test('a page begins after whoever is named, a member or not', () => {
  const order = new MemberOrder(['a', 'c', 'e'].map((id) => row(id)));
  assert.deepEqual(order.page('b' as UserId, 1), { users: ['c'], more: true });
  assert.deepEqual(order.page('c' as UserId, 1), { users: ['e'], more: false });
  assert.deepEqual(order.page('e' as UserId, 1), { users: [], more: false });
  assert.deepEqual(new MemberOrder([]).page(undefined, 1), { users: [], more: false });
});
