import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fromBinary } from '@bufbuild/protobuf';
import { bytesOf } from '../core/byte-string.ts';
import { EntrySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import { Fault } from '../core/fault.ts';
import { directConvId } from '../core/conv-id.ts';
import type { ClientKey, StoredEntry } from '../ports/message-store.ts';
import { Conversation } from './conversation.ts';
import { evaluate, type RuleContext } from './evaluate.ts';
import { RefusedChains } from './refused-chains.ts';
import type { Submission } from './submission.ts';
import {
  ada,
  added,
  bob,
  CountedDraws,
  cyd,
  decision,
  groupOf,
  kicked,
  memberRow,
  recall,
  send,
  storedEntry,
  submission,
} from './testing/samples.ts';
import { textContent } from './testing/memory-store.ts';

const draws = () => new CountedDraws();
const rules = (fields: Partial<RuleContext> = {}): RuleContext => ({
  limits: { recallWindowMs: 1_000 },
  nowMs: 1_000_000,
  targets: new Map(),
  ...fields,
});

/** A message that the store knows by the client key of a command. */
const known = {
  clientKey: '\0'.repeat(16) as ClientKey,
  seq: 1,
  msgId: 9n,
  kind: 'message',
  createdAtMs: 4,
} as const;

/** What becomes of each: a seq, `seq again` for duplicates, `stale`, or the fault's reason. */
function outcome(
  conversation: Conversation,
  submissions: readonly Submission[],
  context = rules(),
): string[] {
  return evaluate(conversation, submissions, draws(), context).verdicts.map(({ settlement }) => {
    if (settlement.t === 'committed') return `${settlement.seq}${settlement.duplicate ? ' again' : ''}`;
    return settlement.t === 'refused' ? settlement.fault.reason : settlement.t;
  });
}

describe('sends', () => {
  it('get consecutive numbers, and count as messages', () => {
    const conversation = groupOf(2);
    const { draft } = evaluate(conversation, [send(ada, 'a'), send(bob, 'b')], draws(), rules());
    assert.deepEqual(
      draft.entries.map(({ seq, ord, sender }) => [seq, ord, sender]),
      [
        [4, 3, 'ada'],
        [5, 4, 'bob'],
      ],
    );
    assert.equal(conversation.head.seq, 3, 'nothing is so before the commit');
    draft.apply();
    assert.deepEqual(conversation.head.seq, 5);
  });

  it('of strangers and former members are refused', () => {
    const conversation = groupOf(2, {
      members: [memberRow(ada), memberRow(bob, { leftSeq: 2, leftOrd: 1 })],
    });
    assert.deepEqual(outcome(conversation, [send(cyd, 'a'), send(bob, 'b'), send(ada, 'c')]), [
      'notMember',
      'notMember',
      '4',
    ]);
  });

  it('make a direct conversation with the first one, and need its other user for that', () => {
    const convId = directConvId(ada, bob);
    const direct = (sender: typeof ada, clientId: string, peer: typeof ada | undefined) =>
      submission(sender, clientId, { t: 'send', peer, content: textContent(clientId, 'x') }, { convId });
    const conversation = new Conversation(convId);
    assert.deepEqual(outcome(conversation, [direct(ada, 'a', undefined)]), ['conversationNotFound']);
    const all = [direct(ada, 'a', bob), direct(bob, 'b', ada), direct(bob, 'c', undefined)];
    const { draft } = evaluate(conversation, all, draws(), rules());
    assert.equal(draft.create, 'direct');
    assert.deepEqual([...draft.members.keys()], ['ada', 'bob']);
    assert.deepEqual(
      [...draft.members.values()].map(({ joinedSeq, joinedOrd }) => [joinedSeq, joinedOrd]),
      [
        [1, 0],
        [1, 0],
      ],
    );
    draft.apply();
    assert.equal(conversation.kind, 'direct');
    assert.equal(conversation.head.seq, 3);
  });

  it('to oneself make a conversation with one member', () => {
    const conversation = new Conversation(directConvId(ada, ada));
    const { convId } = conversation;
    const note = submission(ada, 'a', { t: 'send', peer: ada, content: textContent('a', 'x') }, { convId });
    const { draft } = evaluate(conversation, [note], draws(), rules());
    assert.deepEqual([...draft.members.keys()], ['ada']);
  });

  it('to a group that is not there make none', () => {
    const conversation = new Conversation(groupOf(0).convId);
    assert.deepEqual(outcome(conversation, [send(ada, 'a')]), ['conversationNotFound']);
  });
});

describe('I3: a client id', () => {
  it('twice in a batch makes one entry', () => {
    const conversation = groupOf(0);
    assert.deepEqual(outcome(conversation, [send(ada, 'x'), send(bob, 'x'), send(ada, 'x')]), [
      '2',
      '3',
      '2 again',
    ]);
  });

  it('that the store knows is answered by the first result, whatever the rules say now', () => {
    const conversation = groupOf(3, { members: [memberRow(bob)] });
    const { verdicts, refused } = evaluate(conversation, [send(ada, 'x', { known })], draws(), rules());
    assert.deepEqual(verdicts[0]?.settlement, {
      t: 'committed',
      seq: 1,
      msgId: 9n,
      createdAtMs: 4,
      duplicate: true,
    });
    assert.deepEqual(refused, []);
  });

  it('is refused where another command has it: its answer would say that this one was carried out', () => {
    assert.deepEqual(outcome(groupOf(3), [{ ...recall(ada, 'key', 2), known }]), ['clientIdReused']);
    assert.deepEqual(outcome(groupOf(3), [{ ...decision(ada, 'key', [], added(cyd)), known }]), [
      'clientIdReused',
    ]);
    const batch = [send(ada, 'key'), decision(ada, 'key', [], kicked(bob)), send(ada, 'key')];
    assert.deepEqual(outcome(groupOf(0), batch), ['2', 'clientIdReused', '2 again']);
  });

  it('that was refused may be tried again in the same batch', () => {
    const conversation = groupOf(0, { members: [memberRow(ada, { role: 'owner' })] });
    const batch = [send(bob, 'x'), decision(ada, 'add', [], added(bob)), send(bob, 'x')];
    assert.deepEqual(outcome(conversation, batch), ['notMember', '2', '3']);
  });
});

describe('rules that change in the middle of a batch', () => {
  it('kick: what comes before it passes, what comes after it does not', () => {
    const batch = [send(bob, 'a'), decision(ada, 'kick', [], kicked(bob)), send(bob, 'b'), send(ada, 'c')];
    assert.deepEqual(outcome(groupOf(0), batch), ['2', '3', 'notMember', '4']);
  });

  it('join: what comes before it does not pass, what comes after it does', () => {
    const batch = [send(cyd, 'a'), decision(ada, 'add', [], added(cyd)), send(cyd, 'b')];
    assert.deepEqual(outcome(groupOf(0), batch), ['notMember', '2', '3']);
  });

  it('leave and come back: the second stay begins with its own joining', () => {
    const conversation = groupOf(2);
    const batch = [
      decision(bob, 'leave', [], { t: 'memberRemoved', user: bob, left: true }),
      send(ada, 'm'),
      decision(ada, 'add', [], added(bob)),
      send(bob, 'b'),
    ];
    const { draft } = evaluate(conversation, batch, draws(), rules());
    draft.apply();
    const row = conversation.present(bob);
    assert.deepEqual([row?.joinedSeq, row?.joinedOrd, row?.leftSeq], [6, 3, 0]);
    assert.deepEqual(conversation.visibleRange(bob), { first: 6, last: 7 });
    assert.equal(conversation.group?.memberCount, 2);
  });

  it('create: what comes after it in the same batch stands on it', () => {
    const conversation = new Conversation(groupOf(0).convId);
    const group = { name: 'G', owner: 'ada', maxMembers: 2, history: 'all' } as const;
    const create = decision(ada, 'create', [{ t: 'absent' }], { t: 'groupCreated', group, members: [ada] });
    const again = decision(bob, 'mine', [{ t: 'absent' }], { t: 'groupCreated', group, members: [bob] });
    const room = { t: 'room', room: 1 } as const;
    const batch = [
      send(ada, 'early'),
      create,
      again,
      send(ada, 'a'),
      decision(ada, 'bob', [{ t: 'exists' }, room], added(bob)),
      decision(ada, 'cyd', [{ t: 'exists' }, room], added(cyd)),
      send(bob, 'b'),
    ];
    assert.deepEqual(outcome(conversation, batch), [
      'conversationNotFound',
      '1',
      'stale',
      '2',
      '3',
      'stale',
      '4',
    ]);
  });

  it('preconditions are those of the moment', () => {
    const role = (name: typeof ada, is: 'owner' | 'admin' | 'member' | undefined) =>
      ({ t: 'role', user: name, role: is }) as const;
    const promote = decision(ada, 'p', [role(ada, 'owner')], { t: 'roleChanged', user: bob, role: 'admin' });
    const byBob = decision(bob, 'r', [role(bob, 'admin')], { t: 'groupRenamed', name: 'New' });
    assert.deepEqual(outcome(groupOf(0), [byBob, promote, byBob]), ['stale', '2', '3']);
    assert.deepEqual(outcome(groupOf(0), [decision(ada, 'l', [{ t: 'alone' }], kicked(ada))]), ['stale']);
  });

  it('several entries of one decision go in together, the first one under its client key', () => {
    const handOn = [
      { t: 'roleChanged', user: bob, role: 'owner' },
      { t: 'roleChanged', user: ada, role: 'admin' },
    ] as const;
    const conversation = groupOf(0);
    const { draft } = evaluate(conversation, [decision(ada, 'h', [], ...handOn)], draws(), rules());
    assert.deepEqual(
      draft.entries.map(({ seq, clientKey }) => [seq, clientKey !== undefined]),
      [
        [2, true],
        [3, false],
      ],
    );
    draft.apply();
    assert.deepEqual([conversation.group?.owner, conversation.group?.version], ['bob', 3]);
    assert.deepEqual([conversation.present(ada)?.role, conversation.present(bob)?.role], ['admin', 'owner']);
  });
});

describe('recalls', () => {
  const old = storedEntry(2, { createdAtMs: 1, ord: 1 });
  const targets = new Map<number, StoredEntry>([[2, old]]);

  it('change the message in the same commit, and keep nothing of it', () => {
    const conversation = groupOf(2);
    const { draft } = evaluate(conversation, [recall(ada, 'r', 3)], draws(), rules());
    assert.deepEqual(
      draft.entries.map(({ kind, seq, ord }) => [kind, seq, ord]),
      [['recall', 4, 2]],
    );
    const [projection] = draft.toCommit().projections;
    assert.deepEqual([projection?.seq, projection?.revision, projection?.recalled], [3, 1, true]);
    assert.ok(!projection?.content.includes('text 3'));
    draft.apply();
    assert.equal(conversation.projectedSeq, 4);
    assert.equal(conversation.recent.get(3)?.recalled, true);
  });

  it('of a message of the same batch are forwarded as recalled, and leave no text', () => {
    const conversation = groupOf(0);
    const batch = [send(ada, 'secret'), recall(ada, 'r', 2), send(ada, 'after'), recall(ada, 'again', 2)];
    const { draft, verdicts } = evaluate(conversation, batch, draws(), rules());
    assert.deepEqual(
      verdicts.map(({ settlement }) => settlement.t),
      ['committed', 'committed', 'committed', 'refused'],
    );
    const forwarded = draft.apply();
    assert.deepEqual(
      forwarded.map(({ seq, recalled }) => [seq, recalled]),
      [
        [2, true],
        [3, false],
        [4, false],
      ],
    );
    assert.ok(!forwarded[0]?.content.includes('secret'));
    const shown = fromBinary(EntrySchema, bytesOf(forwarded[0]!.content));
    assert.ok(shown.content.case === 'recalled' && shown.content.value.recallSeq === 3n);
    assert.equal(conversation.projectedSeq, 3);
  });

  const cases: [string, Submission, Partial<RuleContext>, string][] = [
    ['by the sender within the window', recall(ada, 'r', 2), { targets, nowMs: 1_001 }, '4'],
    ['by the sender after it', recall(bob, 'r', 2), { targets, nowMs: 1_002 }, 'notAllowed'],
    ['by the owner of the group at any time', recall(ada, 'r', 2), { targets, nowMs: 9e9 }, '4'],
    ['of an entry that is none', recall(ada, 'r', 9), {}, 'entryNotFound'],
    ['of what is no message', recall(ada, 'r', 1), {}, 'notRecallable'],
    ['by a stranger', recall(cyd, 'r', 2), {}, 'notMember'],
  ];
  for (const [name, asked, context, expected] of cases) {
    it(`${name}: ${expected}`, () => {
      assert.deepEqual(outcome(groupOf(2), [asked], rules(context)), [expected]);
    });
  }

  it('by a mere member are for own messages, and for a time', () => {
    const own = new Map([[2, storedEntry(2, { sender: 'bob', createdAtMs: 1 })]]);
    const conversation = groupOf(2);
    conversation.recent.clear();
    const asked = [recall(bob, 'r', 2)];
    assert.deepEqual(outcome(conversation, asked, rules({ targets: own, nowMs: 1_001 })), ['4']);
    assert.deepEqual(outcome(conversation, asked, rules({ targets: own, nowMs: 1_002 })), ['recallTooLate']);
  });

  it('of what was before the joining find nothing', () => {
    const members = [memberRow(ada, { role: 'admin', joinedSeq: 3 }), memberRow(bob)];
    assert.deepEqual(outcome(groupOf(3, { members }), [recall(ada, 'r', 2)]), ['entryNotFound']);
    const open = groupOf(3, { members, group: { history: 'all' } });
    assert.deepEqual(outcome(open, [recall(ada, 'r', 2)]), ['5']);
  });
});

describe('a batch in which no id is to be had', () => {
  it('I2: takes nothing of a session behind a send that found none, though there are ids again', () => {
    const late = draws();
    const nextId = late.nextId.bind(late);
    late.nextId = () => {
      late.nextId = nextId;
      throw new Fault('storeUnavailable', { message: 'the clock was set back' });
    };
    const chain = { refused: new RefusedChains(), number: 1 };
    const sends = [send(ada, 'a', { chain }), send(ada, 'b', { chain })];
    assert.throws(() => evaluate(groupOf(2), sends, late, rules()), { reason: 'storeUnavailable' });
  });

  it('I2: leaves nothing half-made: what fails half-way voids the draft', () => {
    const convId = directConvId(ada, bob);
    for (let left = 0; left <= 5; left += 1) {
      const few = draws();
      few.left = left;
      few.refusal = new Fault('storeUnavailable');
      const conversation = new Conversation(convId);
      const first = submission(
        ada,
        'a',
        { t: 'send', peer: bob, content: textContent('a', 'x') },
        { convId },
      );
      const second = submission(
        bob,
        'b',
        { t: 'send', peer: ada, content: textContent('b', 'x') },
        { convId },
      );
      let whole: number | undefined;
      try {
        const { draft } = evaluate(conversation, [first, second], few, rules());
        whole = draft.entries.length;
        if (whole > 0) {
          assert.equal(draft.toCommit().members.length, 2);
          assert.deepEqual(
            draft.entries.map(({ seq }) => seq),
            Array.from({ length: whole }, (_, at) => at + 1),
          );
        }
      } catch (error) {
        assert.ok(error instanceof Fault);
      }
      // Number, two members and entry take four; the second entry a fifth.
      assert.equal(whole, left === 0 ? 0 : left < 4 ? undefined : left - 3, `${left} ids`);
    }
  });
});

describe('whatever a batch holds', () => {
  const who = fc.constantFrom(ada, bob, cyd);
  const one = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(who, fc.nat(9)).map(([sender, id]) => send(sender, `s${id}`)) },
    {
      weight: 1,
      arbitrary: who.map((name) =>
        decision(ada, '', [{ t: 'role', user: name, role: undefined }], added(name)),
      ),
    },
    {
      weight: 1,
      arbitrary: who.map((name) =>
        decision(ada, '', [{ t: 'role', user: name, role: 'member' }], kicked(name)),
      ),
    },
    { weight: 1, arbitrary: fc.tuple(who, fc.nat(12)).map(([sender, seq]) => recall(sender, '', seq)) },
  );

  it('I2: numbers have no gap and no repeat, ord counts messages, and nobody speaks who may not', () => {
    fc.assert(
      fc.property(fc.array(one, { maxLength: 60 }), (batch) => {
        const conversation = groupOf(3);
        const present = new Set<string>([ada, bob]);
        const { draft, verdicts } = evaluate(conversation, batch, draws(), rules());
        let [seq, ord] = [conversation.head.seq, conversation.head.ord];
        for (const entry of draft.entries) {
          assert.equal(entry.seq, (seq += 1));
          assert.equal(entry.ord, (ord += entry.kind === 'message' ? 1 : 0));
          if (entry.kind === 'message') assert.ok(present.has(entry.sender), `${entry.sender} may not speak`);
          const { content } = fromBinary(EntrySchema, bytesOf(entry.content));
          if (content.case === 'membersAdded') for (const name of content.value.users) present.add(name);
          if (content.case === 'memberRemoved') present.delete(content.value.user);
        }
        const made = verdicts.filter(({ settlement: s }) => s.t === 'committed' && !s.duplicate);
        assert.equal(made.length, draft.entries.length);
        const count = conversation.group?.memberCount;
        draft.apply();
        const now = [...conversation.members.values()].filter(({ leftSeq }) => leftSeq === 0);
        assert.equal(conversation.group?.memberCount, now.length);
        assert.ok(count !== undefined);
        for (const stored of draft.entries)
          assert.equal(conversation.recent.get(stored.seq)?.msgId, stored.msgId);
      }),
    );
  });
});
