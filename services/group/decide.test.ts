import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault } from '../core/fault.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { GroupChange } from '../peer/edge-frames.ts';
import type { Decision, GroupFacts } from '../peer/group-frames.ts';
import type { Role } from '../ports/message-store.ts';
import { decide } from './decide.ts';

const user = (name: string) => name as UserId;
const groupId = 'team' as ConvId;
const [olga, adam, ada, max, mia, new1, new2] = ['olga', 'adam', 'ada', 'max', 'mia', 'new1', 'new2'].map(
  user,
) as [UserId, UserId, UserId, UserId, UserId, UserId, UserId];
const present: Record<string, Role> = {
  olga: 'owner',
  adam: 'admin',
  ada: 'admin',
  max: 'member',
  mia: 'member',
};

function facts({
  maxMembers = 10,
  roles = present,
  knownCount = 8,
}: {
  maxMembers?: number;
  knownCount?: number;
  roles?: Record<string, Role>;
} = {}): GroupFacts {
  const owner = Object.keys(roles).find((name) => roles[name] === 'owner') ?? '';
  const memberCount = Object.keys(roles).length;
  const group = { name: 'Team', owner, maxMembers, history: 'sinceJoin', memberCount, version: 3 } as const;
  return {
    group,
    memberCount,
    knownCount,
    roles: new Map(Object.entries(roles).map(([name, role]) => [user(name), role])),
  };
}
const nothing: GroupFacts = { group: undefined, memberCount: 0, knownCount: 0, roles: new Map() };

type Verdict = Decision | [reason: string, field?: string];
interface Row {
  readonly name: string;
  readonly actor?: UserId;
  readonly change: GroupChange;
  readonly facts?: GroupFacts;
  readonly id?: string;
  readonly is: Verdict;
}

function run(rows: readonly Row[]): void {
  for (const row of rows) {
    it(row.name, () => {
      const verdict = decide(
        (row.id ?? groupId) as ConvId,
        row.actor ?? olga,
        row.change,
        row.facts ?? facts(),
      );
      if (!Array.isArray(row.is)) assert.deepEqual(verdict, row.is);
      else {
        assert.ok(verdict instanceof Fault, JSON.stringify(verdict));
        assert.deepEqual([verdict.reason, verdict.field], [row.is[0], row.is[1] ?? '']);
      }
    });
  }
}

const exists = { t: 'exists' } as const;
const is = (who: UserId, role: Role | undefined) => ({ t: 'role', user: who, role }) as const;
const asOwner = [exists, is(olga, 'owner')];
const asAdmin = [exists, is(adam, 'admin')];

describe('create', () => {
  const create = (over: Partial<Extract<GroupChange, { t: 'create' }>> = {}): GroupChange => {
    return { t: 'create', name: 'Team', members: [], maxMembers: 0, history: 'sinceJoin', ...over };
  };
  const made = (members: UserId[], maxMembers = 500): Decision => ({
    preconditions: [{ t: 'absent' }],
    entries: [
      {
        t: 'groupCreated',
        group: { name: 'Team', owner: 'olga', maxMembers, history: 'sinceJoin' },
        members,
      },
    ],
  });
  run([
    { name: 'makes the caller the owner', change: create(), facts: nothing, is: made([olga]) },
    {
      name: 'takes members once, the creator first',
      change: create({ members: [max, olga, max, mia] }),
      facts: nothing,
      is: made([olga, max, mia]),
    },
    {
      name: 'takes up to 100,000',
      change: create({ maxMembers: 100_000 }),
      facts: nothing,
      is: made([olga], 100_000),
    },
    {
      name: 'refuses more',
      change: create({ maxMembers: 100_001 }),
      facts: nothing,
      is: ['invalidField', 'max_members'],
    },
    {
      name: 'refuses a negative limit',
      change: create({ maxMembers: -1 }),
      facts: nothing,
      is: ['invalidField', 'max_members'],
    },
    {
      name: 'refuses more members than may be',
      change: create({ members: [max, mia], maxMembers: 2 }),
      facts: nothing,
      is: ['groupFull'],
    },
    { name: 'refuses a taken id', change: create(), is: ['groupExists', 'group_id'] },
    {
      name: 'refuses the id of an empty group',
      change: create(),
      facts: facts({ roles: {} }),
      is: ['groupExists', 'group_id'],
    },
    {
      name: 'refuses an id like a direct one',
      id: 'd_x',
      change: create(),
      facts: nothing,
      is: ['invalidId', 'group_id'],
    },
    { name: 'refuses an empty id', id: '', change: create(), facts: nothing, is: ['invalidId', 'group_id'] },
    {
      name: 'refuses an empty name',
      change: create({ name: '' }),
      facts: nothing,
      is: ['invalidField', 'name'],
    },
    {
      name: 'refuses a name of spaces',
      change: create({ name: '  ' }),
      facts: nothing,
      is: ['invalidField', 'name'],
    },
    {
      name: 'refuses a name of 101',
      change: create({ name: 'n'.repeat(101) }),
      facts: nothing,
      is: ['invalidField', 'name'],
    },
    {
      name: 'refuses a name with a line break',
      change: create({ name: 'a\nb' }),
      facts: nothing,
      is: ['invalidField', 'name'],
    },
    {
      name: 'refuses half a character in a name',
      change: create({ name: 'a\ud83d' }),
      facts: nothing,
      is: ['invalidField', 'name'],
    },
    {
      name: 'refuses a bad member',
      change: create({ members: [max, user('a\u0000')] }),
      facts: nothing,
      is: ['invalidId', 'members[1]'],
    },
    {
      name: 'refuses 1,001 members',
      change: create({ members: Array.from({ length: 1_001 }, (_, i) => user(`u${i}`)), maxMembers: 5_000 }),
      facts: nothing,
      is: ['invalidField', 'members'],
    },
  ]);
});

describe('rename', () => {
  const renamed: Decision['entries'] = [{ t: 'groupRenamed', name: 'New' }];
  const change: GroupChange = { t: 'rename', name: 'New' };
  run([
    { name: 'by the owner', change, is: { preconditions: asOwner, entries: renamed } },
    { name: 'by an admin', actor: adam, change, is: { preconditions: asAdmin, entries: renamed } },
    { name: 'by no member', actor: max, change, is: ['notAllowed'] },
    { name: 'by nobody else', actor: new1, change, is: ['notMember'] },
    { name: 'of a group that exists', change, facts: nothing, is: ['conversationNotFound', 'group_id'] },
    { name: 'to a name', change: { t: 'rename', name: '' }, is: ['invalidField', 'name'] },
  ]);
});

describe('add', () => {
  const add = (...users: UserId[]): GroupChange => ({ t: 'add', users });
  run([
    {
      name: 'takes newcomers and passes over members and repeats',
      actor: adam,
      change: add(new1, max, new2, new1),
      is: {
        preconditions: [
          ...asAdmin,
          is(new1, undefined),
          is(max, 'member'),
          is(new2, undefined),
          { t: 'room', room: 2 },
        ],
        entries: [{ t: 'membersAdded', users: [new1, new2] }],
      },
    },
    {
      name: 'changes nothing when all are members, the caller included',
      change: add(max, olga),
      is: { preconditions: [...asOwner, is(max, 'member'), is(olga, 'owner')], entries: [] },
    },
    {
      name: 'fills the last place',
      change: add(new1),
      facts: facts({ maxMembers: 6 }),
      is: {
        preconditions: [...asOwner, is(new1, undefined), { t: 'room', room: 1 }],
        entries: [{ t: 'membersAdded', users: [new1] }],
      },
    },
    {
      name: 'takes all or none',
      change: add(new1, new2),
      facts: facts({ maxMembers: 6 }),
      is: ['groupFull'],
    },
    {
      name: 'up to the last that may ever have been one',
      change: add(new1),
      facts: facts({ knownCount: 200_000 }),
      is: {
        preconditions: [...asOwner, is(new1, undefined), { t: 'room', room: 1 }],
        entries: [{ t: 'membersAdded', users: [new1] }],
      },
    },
    {
      name: 'of no more than a group can ever have had',
      change: add(new1),
      facts: facts({ knownCount: 200_001 }),
      is: ['groupFull'],
    },
    { name: 'by no member', actor: max, change: add(new1), is: ['notAllowed'] },
    { name: 'not of oneself', actor: new1, change: add(new1), is: ['notMember'] },
    { name: 'of somebody', change: add(), is: ['invalidField', 'users'] },
    { name: 'of valid ids', change: add(user('x'.repeat(65))), is: ['invalidId', 'users[0]'] },
    {
      name: 'of 1,000 at most',
      change: add(...Array<UserId>(1_001).fill(new1)),
      is: ['invalidField', 'users'],
    },
    {
      name: 'to a group that exists',
      change: add(new1),
      facts: nothing,
      is: ['conversationNotFound', 'group_id'],
    },
  ]);
});

describe('remove', () => {
  const remove = (who: UserId): GroupChange => ({ t: 'remove', user: who });
  const removed = (who: UserId): Decision['entries'] => [{ t: 'memberRemoved', user: who, left: false }];
  run([
    {
      name: 'of an admin by the owner',
      change: remove(adam),
      is: { preconditions: [...asOwner, is(adam, 'admin')], entries: removed(adam) },
    },
    {
      name: 'of a member by an admin',
      actor: adam,
      change: remove(max),
      is: { preconditions: [...asAdmin, is(max, 'member')], entries: removed(max) },
    },
    { name: 'of an admin by no admin', actor: adam, change: remove(ada), is: ['notAllowed', 'user_id'] },
    { name: 'of the owner by no admin', actor: adam, change: remove(olga), is: ['notAllowed', 'user_id'] },
    { name: 'not of oneself', actor: adam, change: remove(adam), is: ['notAllowed', 'user_id'] },
    { name: 'by no member', actor: max, change: remove(mia), is: ['notAllowed'] },
    { name: 'of a member', change: remove(new1), is: ['memberNotFound', 'user_id'] },
    { name: 'of a valid id', change: remove(user('')), is: ['invalidId', 'user_id'] },
    { name: 'by a member', actor: new1, change: remove(max), is: ['notMember'] },
  ]);
});

describe('expel', () => {
  const expel = (who: UserId): GroupChange => ({ t: 'expel', user: who });
  const removed = (who: UserId): Decision['entries'] => [{ t: 'memberRemoved', user: who, left: false }];
  run([
    {
      name: 'of an admin by somebody who is no member',
      actor: new1,
      change: expel(adam),
      is: { preconditions: [exists, is(adam, 'admin')], entries: removed(adam) },
    },
    { name: 'of no owner while others are there', change: expel(olga), is: ['ownerMustHandOver', 'user_id'] },
    {
      name: 'of the owner when alone',
      actor: new1,
      change: expel(olga),
      facts: facts({ roles: { olga: 'owner' } }),
      is: { preconditions: [exists, is(olga, 'owner'), { t: 'alone' }], entries: removed(olga) },
    },
    { name: 'of a member', change: expel(new1), is: ['memberNotFound', 'user_id'] },
    { name: 'of a valid id', change: expel(user('')), is: ['invalidId', 'user_id'] },
    {
      name: 'of a group that exists',
      change: expel(max),
      facts: nothing,
      is: ['conversationNotFound', 'group_id'],
    },
  ]);
});

describe('leave', () => {
  const change: GroupChange = { t: 'leave' };
  const left = (who: UserId): Decision['entries'] => [{ t: 'memberRemoved', user: who, left: true }];
  run([
    {
      name: 'by a member',
      actor: max,
      change,
      is: { preconditions: [exists, is(max, 'member')], entries: left(max) },
    },
    { name: 'by an admin', actor: adam, change, is: { preconditions: asAdmin, entries: left(adam) } },
    { name: 'by no owner while others are there', change, is: ['ownerMustHandOver'] },
    {
      name: 'by the owner when alone',
      change,
      facts: facts({ roles: { olga: 'owner' } }),
      is: { preconditions: [...asOwner, { t: 'alone' }], entries: left(olga) },
    },
    { name: 'by a member of it', actor: new1, change, is: ['notMember'] },
    { name: 'of a group that exists', change, facts: nothing, is: ['conversationNotFound', 'group_id'] },
  ]);
});

describe('setRole', () => {
  const give = (who: UserId, role: Role): GroupChange => ({ t: 'setRole', user: who, role });
  run([
    {
      name: 'appoints an admin',
      change: give(max, 'admin'),
      is: {
        preconditions: [...asOwner, is(max, 'member')],
        entries: [{ t: 'roleChanged', user: max, role: 'admin' }],
      },
    },
    {
      name: 'hands the group on, which makes the caller an admin',
      change: give(max, 'owner'),
      is: {
        preconditions: [...asOwner, is(max, 'member')],
        entries: [
          { t: 'roleChanged', user: max, role: 'owner' },
          { t: 'roleChanged', user: olga, role: 'admin' },
        ],
      },
    },
    {
      name: 'changes nothing when it is so',
      change: give(max, 'member'),
      is: { preconditions: [...asOwner, is(max, 'member')], entries: [] },
    },
    {
      name: 'changes nothing when the owner is made owner',
      change: give(olga, 'owner'),
      is: { preconditions: [...asOwner, is(olga, 'owner')], entries: [] },
    },
    { name: 'leaves no group without owner', change: give(olga, 'member'), is: ['ownerMustHandOver'] },
    { name: 'is for the owner', actor: adam, change: give(max, 'admin'), is: ['notAllowed'] },
    { name: 'is for members', actor: new1, change: give(max, 'admin'), is: ['notMember'] },
    { name: 'is about members', change: give(new1, 'admin'), is: ['memberNotFound', 'user_id'] },
    { name: 'is about valid ids', change: give(user('\ud800'), 'admin'), is: ['invalidId', 'user_id'] },
  ]);
});

describe('ensure', () => {
  const change: GroupChange = { t: 'ensure' };
  run([
    {
      name: 'creates',
      change,
      facts: nothing,
      is: {
        preconditions: [{ t: 'absent' }],
        entries: [
          {
            t: 'groupCreated',
            group: { name: 'team', owner: 'olga', maxMembers: 10_000, history: 'all' },
            members: [olga],
          },
        ],
      },
    },
    {
      name: 'joins',
      actor: new1,
      change,
      is: {
        preconditions: [is(new1, undefined), is(olga, 'owner'), { t: 'room', room: 1 }],
        entries: [{ t: 'membersAdded', users: [new1] }],
      },
    },
    {
      name: 'passes over members',
      actor: max,
      change,
      is: { preconditions: [is(max, 'member')], entries: [] },
    },
    {
      name: 'makes the first to come back the owner',
      actor: max,
      change,
      facts: facts({ roles: {} }),
      is: {
        preconditions: [is(max, undefined), { t: 'room', room: 10 }],
        entries: [
          { t: 'membersAdded', users: [max] },
          { t: 'roleChanged', user: max, role: 'owner' },
        ],
      },
    },
    { name: 'refuses when full', actor: new1, change, facts: facts({ maxMembers: 5 }), is: ['groupFull'] },
    {
      name: 'refuses an id like a direct one',
      id: 'd_x',
      change,
      facts: nothing,
      is: ['invalidId', 'group_id'],
    },
  ]);
});
