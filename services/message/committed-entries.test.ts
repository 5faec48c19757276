import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CommittedKind } from '../../gen/parley/node/v1/event_log_pb.ts';
import { encodeCommittedEvent, committedEvents } from '../codec/committed-event.ts';
import { messageContent } from '../codec/message-content.ts';
import type { ByteString } from '../core/byte-string.ts';
import type { UserId } from '../core/ids.ts';
import type { EntryKind, StoredEntry } from '../ports/message-store.ts';
import { committedEntry } from './committed-entries.ts';
import { groupContent, recallContent } from './contents.ts';

function stored(kind: EntryKind, content: ByteString): StoredEntry {
  return {
    seq: 7,
    msgId: 2n ** 62n,
    kind,
    ord: 3,
    sender: 'ann',
    createdAtMs: 1_700_000_000_000,
    recalled: false,
    revision: 0,
    content,
  };
}

const [bob, cyd] = ['bob', 'cyd'] as [UserId, UserId];
const hush = Buffer.from('hush, nobody may read this');

describe('an entry in the event log', () => {
  it('tells whom it concerns', () => {
    const group = { name: 'hush', owner: 'ann', maxMembers: 5, history: 'all' } as const;
    const cases: readonly (readonly [EntryKind, ByteString, CommittedKind, readonly string[], bigint])[] = [
      ['message', messageContent('hush', hush), CommittedKind.MESSAGE, [], 0n],
      ['recall', recallContent('hush', 5), CommittedKind.RECALL, [], 5n],
      [
        'groupCreated',
        groupContent('hush', { t: 'groupCreated', group, members: [bob, cyd] }),
        CommittedKind.GROUP_CREATED,
        [bob, cyd],
        0n,
      ],
      [
        'groupRenamed',
        groupContent('hush', { t: 'groupRenamed', name: 'hush' }),
        CommittedKind.GROUP_RENAMED,
        [],
        0n,
      ],
      [
        'membersAdded',
        groupContent('hush', { t: 'membersAdded', users: [bob, cyd] }),
        CommittedKind.MEMBERS_ADDED,
        [bob, cyd],
        0n,
      ],
      [
        'memberRemoved',
        groupContent('hush', { t: 'memberRemoved', user: bob, left: true }),
        CommittedKind.MEMBER_REMOVED,
        [bob],
        0n,
      ],
      [
        'roleChanged',
        groupContent('hush', { t: 'roleChanged', user: bob, role: 'admin' }),
        CommittedKind.ROLE_CHANGED,
        [bob],
        0n,
      ],
    ];
    for (const [kind, content, expected, users, target] of cases) {
      const entry = committedEntry(stored(kind, content));
      assert.equal(entry.kind, expected);
      assert.deepEqual(entry.users, users);
      assert.equal(entry.targetSeq, target);
      assert.deepEqual([entry.seq, entry.msgId, entry.sender], [7n, 2n ** 62n, 'ann']);
      // I8: nothing of what was said, no name and no client id.
      for (const event of committedEvents('g', false, [entry])) {
        assert.ok(!Buffer.from(encodeCommittedEvent(event)).includes('hush'), kind);
      }
    }
  });
});
