import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Fault } from '../core/fault.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { GroupChange } from '../peer/edge-frames.ts';
import type { Decision } from '../peer/group-frames.ts';
import { decide } from './decide.ts';
import { GroupModel } from './testing/group-model.ts';

const groupId = 'team' as ConvId;
const user = fc.constantFrom(...['a', 'b', 'c', 'd', 'e'].map((name) => name as UserId));
const users = fc.array(user, { minLength: 1, maxLength: 4 });
const role = fc.constantFrom('member' as const, 'admin' as const, 'owner' as const);
const change: fc.Arbitrary<GroupChange> = fc.oneof(
  fc.record({
    t: fc.constant('create' as const),
    name: fc.constant('Team'),
    members: fc.array(user, { maxLength: 3 }),
    maxMembers: fc.integer({ min: 1, max: 4 }),
    history: fc.constant('all' as const),
  }),
  fc.constant({ t: 'ensure' as const }),
  fc.record({ t: fc.constant('rename' as const), name: fc.constant('New') }),
  fc.record({ t: fc.constant('add' as const), users }),
  fc.record({ t: fc.constant('remove' as const), user }),
  fc.record({ t: fc.constant('expel' as const), user }),
  fc.constant({ t: 'leave' as const }),
  fc.record({ t: fc.constant('setRole' as const), user, role }),
);
/** A group to begin with: the first of the members owns it. None, or one that everybody has left, at times. */
const start = fc.option(fc.record({ members: fc.uniqueArray(user, { maxLength: 4 }), spare: fc.nat(2) }), {
  nil: undefined,
  freq: 4,
});
/** A change is decided on the facts as they stand, and committed after so many others. */
const step = fc.record({ actor: user, change, delay: fc.nat(4) });

function assertSound(model: GroupModel): void {
  const { row, members } = model;
  if (row === undefined) return;
  const owners = [...members].filter(([, held]) => held === 'owner').map(([name]) => name);
  assert.deepEqual(owners, members.size === 0 ? [] : [row.owner], 'one owner while there are members');
  if (members.size === 0) assert.equal(row.owner, '');
  assert.ok(members.size <= row.maxMembers, 'never above maxMembers');
}

describe('decisions', () => {
  it('keep a group sound, however late they are committed', () => {
    let committed = 0;
    let stale = 0;
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 30 }), (given, steps) => {
        const model = new GroupModel();
        if (given !== undefined) {
          const [owner = ''] = given.members;
          const maxMembers = Math.max(given.members.length + given.spare, 1);
          model.row = { name: 'Team', owner, maxMembers, history: 'all' };
          for (const name of given.members) model.members.set(name, name === owner ? 'owner' : 'member');
        }
        const waiting: { readonly decision: Decision; readonly at: number }[] = [];
        for (const [now, { actor, change: asked, delay }] of steps.entries()) {
          const verdict = decide(groupId, actor, asked, model.factsFor(actor, asked));
          if (!(verdict instanceof Fault)) waiting.push({ decision: verdict, at: now + delay });
          for (const due of waiting.filter(({ at }) => at === now)) {
            if (model.commit(due.decision)) committed += 1;
            else stale += 1;
            assertSound(model);
          }
        }
      }),
      { numRuns: 3_000 },
    );
    assert.ok(committed > 1_000 && stale > 100, `a tame run: ${committed} committed, ${stale} stale`);
  });

  it('let fifty joins at the same time all pass', () => {
    const model = new GroupModel();
    const [owner, ...others] = Array.from({ length: 51 }, (_, i) => `u${i}` as UserId);
    const made = decide(groupId, owner!, { t: 'ensure' }, model.factsFor(owner!, { t: 'ensure' }));
    assert.ok(!(made instanceof Fault) && model.commit(made));
    const ensures = others.slice(0, 25).map((actor) => ({ actor, change: { t: 'ensure' } as const }));
    const adds = others
      .slice(25)
      .map((added) => ({ actor: owner!, change: { t: 'add', users: [added] } as const }));
    const decisions = [...ensures, ...adds].map(({ actor, change: asked }) =>
      decide(groupId, actor, asked, model.factsFor(actor, asked)),
    );
    for (const decision of decisions) assert.ok(!(decision instanceof Fault) && model.commit(decision));
    assert.equal(model.members.size, 51);
    assertSound(model);
  });
});
