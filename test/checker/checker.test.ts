import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check } from './checker.ts';
import type { Rule } from './finding.ts';
import type { ClientEvent, ClientLog, EntryContent, Evidence, SeenEntry, StoredConversation } from './log.ts';

/**
 * One good run, and for each rule runs that differ from it in one thing that must not be. The group `g`: Ann creates it
 * with Bob, both write, Cleo joins and is removed. The direct conversation `d_1` of Ann and Bob. Bob loses his
 * connection once and sends again what was not answered.
 */

const entry = (seq: number, sender: string, clientId: string, content: EntryContent): SeenEntry => ({
  seq,
  msgId: BigInt(1000 + seq),
  sender,
  clientId,
  content,
});
const message = (seq: number, sender: string, clientId: string): SeenEntry =>
  entry(seq, sender, clientId, { t: 'message', text: `text of ${clientId}` });

const group: readonly SeenEntry[] = [
  entry(1, 'ann', 'create', { t: 'groupCreated', members: ['ann', 'bob'] }),
  message(2, 'ann', 'a1'),
  message(3, 'bob', 'b1'),
  message(4, 'ann', 'a2'),
  entry(5, 'ann', 'add', { t: 'membersAdded', users: ['cleo'] }),
  message(6, 'cleo', 'c1'),
  entry(7, 'ann', 'remove', { t: 'memberRemoved', user: 'cleo', left: false }),
  message(8, 'bob', 'b2'),
];
const direct: readonly SeenEntry[] = [
  message(1, 'bob', 'x1'),
  message(2, 'bob', 'x2'),
  message(3, 'ann', 'x3'),
];

const send = (convId: string, clientId: string): ClientEvent => ({
  t: 'send',
  convId,
  clientId,
  text: `text of ${clientId}`,
});
const sent = (convId: string, entry: SeenEntry): ClientEvent => ({
  t: 'sent',
  convId,
  clientId: entry.clientId,
  seq: entry.seq,
  msgId: entry.msgId,
});
const live = (convId: string, entries: readonly SeenEntry[]): ClientEvent[] =>
  entries.map((entry) => ({ t: 'entry', convId, entry }));
const fetched = (convId: string, entries: readonly SeenEntry[]): ClientEvent[] =>
  entries.map((entry) => ({ t: 'fetched', convId, entry }));
const cursor = (user: string, deliveredSeq: number, readSeq: number): ClientEvent => ({
  t: 'cursor',
  way: 'push',
  convId: 'd_1',
  user,
  deliveredSeq,
  readSeq,
});
const synced = (user: string, deliveredSeq: number, readSeq: number): ClientEvent =>
  ({ ...cursor(user, deliveredSeq, readSeq), way: 'sync' }) as ClientEvent;
const at = (entries: readonly SeenEntry[], seq: number): SeenEntry => entries[seq - 1] as SeenEntry;

const ann: ClientLog = {
  user: 'ann',
  events: [
    { t: 'connected' },
    send('g', 'a1'),
    send('g', 'a2'),
    sent('g', at(group, 2)),
    sent('g', at(group, 4)),
    ...live('g', group),
    send('d_1', 'x3'),
    ...live('d_1', direct),
    sent('d_1', at(direct, 3)),
    cursor('bob', 2, 0),
    cursor('bob', 3, 3),
  ],
};
const bob: ClientLog = {
  user: 'bob',
  events: [
    { t: 'connected' },
    send('g', 'b1'),
    ...live('g', group.slice(0, 4)),
    send('g', 'b2'),
    send('g', 'b3'),
    { t: 'connected' },
    sent('g', at(group, 3)),
    ...live('g', [at(group, 8)]),
    ...fetched('g', group.slice(4, 7)),
    sent('g', at(group, 8)),
    { t: 'refused', convId: 'g', clientId: 'b3', reason: 'notMember' },
    send('d_1', 'x1'),
    send('d_1', 'x2'),
    ...live('d_1', direct),
    { t: 'gap', convId: 'd_1', fromSeq: 2, toSeq: 3 },
    ...live('d_1', [at(direct, 3)]),
    ...fetched('d_1', direct.slice(1)),
  ],
};
const cleo: ClientLog = {
  user: 'cleo',
  events: [{ t: 'connected' }, send('g', 'c1'), ...live('g', group.slice(4, 7)), sent('g', at(group, 6))],
};
const good: Evidence = {
  clients: [ann, bob, cleo],
  store: [
    {
      convId: 'g',
      direct: undefined,
      entries: group,
      cursors: [{ user: 'ann', deliveredSeq: 8, readSeq: 8 }],
    },
    {
      convId: 'd_1',
      direct: ['ann', 'bob'],
      entries: direct,
      cursors: [{ user: 'bob', deliveredSeq: 3, readSeq: 3 }],
    },
  ],
};

const rulesBroken = (evidence: Evidence): Rule[] => [
  ...new Set(check(evidence).kept.map((finding) => finding.rule)),
];

/** The good run with one client's events changed. */
function withEvents(
  user: string,
  change: (events: readonly ClientEvent[]) => readonly ClientEvent[],
): Evidence {
  const clients = good.clients.map((log) =>
    log.user === user ? { ...log, events: change(log.events) } : log,
  );
  return { ...good, clients };
}

/** The good run with one conversation of the store changed. */
function withStore(
  convId: string,
  change: (found: StoredConversation) => Partial<StoredConversation>,
): Evidence {
  const store = good.store.map((found) => (found.convId === convId ? { ...found, ...change(found) } : found));
  return { ...good, store };
}

/** The good run with an entry changed for everybody: store and logs. */
function withEntry(convId: string, seq: number, changed: Partial<SeenEntry>): Evidence {
  const swap = (entry: SeenEntry) => (entry.seq === seq ? { ...entry, ...changed } : entry);
  const clients = good.clients.map((log) => ({
    ...log,
    events: log.events.map((event) =>
      (event.t === 'entry' || event.t === 'fetched') && event.convId === convId
        ? { ...event, entry: swap(event.entry) }
        : event,
    ),
  }));
  return { ...withStore(convId, (found) => ({ entries: found.entries.map(swap) })), clients };
}

/** The good run with one more entry in the group, which those who are in it have seen. */
function withMore(entry: SeenEntry): Evidence {
  const clients = good.clients.map((log) =>
    log.user === 'cleo' ? log : { ...log, events: [...log.events, ...live('g', [entry])] },
  );
  return { ...withStore('g', (found) => ({ entries: [...found.entries, entry] })), clients };
}

/** Cleo, who is out, sends two messages, is let in again, and the second one is taken first. */
function turned(between: readonly ClientEvent[]): Evidence {
  const [again, second, first] = [
    entry(9, 'ann', 'again', { t: 'membersAdded', users: ['cleo'] }),
    message(10, 'cleo', 'c3'),
    message(11, 'cleo', 'c2'),
  ] as const;
  const all = live('g', [again, second, first]);
  const clients = good.clients.map((log) => ({
    ...log,
    events:
      log.user === 'cleo'
        ? [
            ...log.events,
            send('g', 'c2'),
            send('g', 'c3'),
            ...between,
            ...all,
            sent('g', second),
            sent('g', first),
          ]
        : [...log.events, ...all],
  }));
  return { ...withStore('g', append(again, second, first)), clients };
}

const without = (convId: string, seq: number) => (events: readonly ClientEvent[]) =>
  events.filter((event) => !('entry' in event && event.convId === convId && event.entry.seq === seq));
const plus =
  (...more: ClientEvent[]) =>
  (events: readonly ClientEvent[]) => [...events, ...more];
const append =
  (...entries: SeenEntry[]) =>
  (found: StoredConversation) => ({
    entries: [...found.entries, ...entries],
  });

/** Evidence, and the rules that it breaks. */
const broken: Readonly<Record<string, readonly [Evidence, ...Rule[]]>> = {
  'an acknowledged message is not in the store': [
    withEvents('ann', plus(send('g', 'a9'), sent('g', message(9, 'ann', 'a9')))),
    'acknowledgedIsStored',
  ],
  'another message stands in the acknowledged place': [
    withEvents('ann', plus(send('g', 'a9'), sent('g', { ...at(group, 8), clientId: 'a9' }))),
    'acknowledgedIsStored',
  ],
  'an acknowledgement has another msg_id': [
    withEvents('cleo', plus({ ...(sent('g', at(group, 6)) as { t: 'sent' }), msgId: 7n } as ClientEvent)),
    'acknowledgedIsStored',
  ],
  'the store has other words than were sent': [
    withEntry('g', 3, { content: { t: 'message', text: 'other words' } }),
    'contentIsWhatWasSent',
  ],
  'the store has a message that nobody sent': [
    withEntry('d_1', 2, { clientId: 'nobody’s' }),
    'contentIsWhatWasSent',
  ],
  'one client saw other words than the store has': [
    withEvents(
      'cleo',
      plus({ t: 'entry', convId: 'g', entry: { ...at(group, 6), content: { t: 'message', text: '?' } } }),
    ),
    'contentIsWhatWasSent',
    'sameLogForAll',
  ],
  'one client saw another sender': [
    withEvents('cleo', plus({ t: 'fetched', convId: 'g', entry: { ...at(group, 6), sender: 'bob' } })),
    'contentIsWhatWasSent',
    'sameLogForAll',
  ],
  'a client saw an entry that the store does not have': [
    withEvents('ann', plus(...live('g', [message(9, 'bob', 'b3')]))),
    'contentIsWhatWasSent',
  ],
  'a retry made a second entry': [withMore(message(9, 'bob', 'b2')), 'nothingRepeated'],
  'two entries in one place': [
    withStore('g', append({ ...message(8, 'bob', 'b3'), msgId: 5000n })),
    'nothingRepeated',
    // Which of them the clients saw is a matter of luck.
    'acknowledgedIsStored',
    'contentIsWhatWasSent',
    'sameLogForAll',
  ],
  'one send acknowledged with two places': [
    withEvents('bob', plus(sent('g', { ...at(group, 3), seq: 4 }))),
    'nothingRepeated',
    'acknowledgedIsStored',
  ],
  'a gap in the store': [
    {
      ...withStore('d_1', (found) => ({ entries: found.entries.filter((entry) => entry.seq !== 2) })),
      clients: good.clients.map((log) => ({
        ...log,
        events: without('d_1', 2)(log.events).filter((event) => event.t !== 'gap'),
      })),
    },
    'gapless',
  ],
  'a live entry is skipped and nothing is told': [
    withEvents('ann', (events) => [...without('g', 3)(events), ...fetched('g', [at(group, 3)])]),
    'gapless',
  ],
  'a gap is told that leaves out an entry': [
    withEvents('bob', (events) => [
      ...events.filter((event) => !('entry' in event) || event.convId !== 'g' || event.entry.seq < 4),
      { t: 'connected' },
      ...live('g', group.slice(0, 3)),
      { t: 'gap', convId: 'g', fromSeq: 5, toSeq: 8 },
    ]),
    'gapless',
    'sameLogForAll',
  ],
  'going over a told gap again in order is allowed': [
    withEvents(
      'bob',
      plus({ t: 'connected' }, { t: 'gap', convId: 'g', fromSeq: 1, toSeq: 4 }, ...live('g', [at(group, 2)])),
    ),
  ],
  'what went on between leaving and joining again is not missed': [
    (() => {
      const again = [
        entry(9, 'ann', 'again', { t: 'membersAdded', users: ['cleo'] }),
        entry(10, 'bob', 'b3', { t: 'message', text: 'text of b3' }),
      ];
      const clients = good.clients.map((log) => ({ ...log, events: [...log.events, ...live('g', again)] }));
      return { ...withStore('g', append(...again)), clients };
    })(),
  ],
  'a gap that begins with the reader’s joining again leaves out nothing': [
    (() => {
      const again = entry(9, 'ann', 'again', { t: 'membersAdded', users: ['cleo'] });
      const clients = good.clients.map((log) => ({
        ...log,
        events: [
          ...log.events,
          ...(log.user === 'cleo' ? [{ t: 'gap', convId: 'g', fromSeq: 9, toSeq: 9 } as const] : []),
          ...(log.user === 'cleo' ? fetched('g', [again]) : live('g', [again])),
        ],
      }));
      return { ...withStore('g', append(again)), clients };
    })(),
  ],
  'an entry comes live after a later one': [
    withEvents('cleo', (events) => [
      ...events.filter((event) => !('entry' in event) || event.convId !== 'g' || event.entry.seq < 6),
      { t: 'connected' },
      ...live('g', [at(group, 7), at(group, 6)]),
    ]),
    'oneOrder',
  ],
  'message ids are not in the order of seqs': [
    withEntry('d_1', 3, { msgId: 1n }),
    'oneOrder',
    'acknowledgedIsStored',
  ],
  'two sends of one client change places': [
    withEvents('bob', (events) => {
      const [first, second] = events.filter((event) => event.t === 'send' && event.convId === 'd_1');
      return events.map(
        (event) => (event === first ? second : event === second ? first : event) as ClientEvent,
      );
    }),
    'sendersOrder',
  ],
  'a send that may have been refused for good is taken after a later one, its sender let in again': [
    turned([{ t: 'connected' }]),
  ],
  'the same on one connection': [turned([]), 'sendersOrder'],
  'a member lacks an entry': [withEvents('bob', without('g', 6)), 'sameLogForAll'],
  'a former member lacks the last entry of the time': [withEvents('cleo', without('g', 7)), 'sameLogForAll'],
  'a member has nothing at all of a conversation': [
    withEvents('bob', (events) => events.filter((event) => !('convId' in event && event.convId === 'd_1'))),
    // His own sends are gone from the evidence, too.
    'contentIsWhatWasSent',
    'sameLogForAll',
  ],
  'a read cursor goes back': [withEvents('ann', plus(cursor('bob', 3, 2))), 'cursorsOnlyGrow'],
  'a delivered cursor goes back after a reconnect': [
    withEvents('ann', plus({ t: 'connected' }, cursor('bob', 2, 3))),
    'cursorsOnlyGrow',
  ],
  'the cursor of a sync goes back': [
    withEvents('ann', plus(synced('bob', 3, 3), { t: 'connected' }, synced('bob', 3, 2))),
    'cursorsOnlyGrow',
  ],
  'a push overtakes the answer to a sync': [withEvents('ann', plus(synced('bob', 3, 2)))],
  'a cursor passes the head': [withEvents('bob', plus(cursor('ann', 4, 0))), 'cursorsOnlyGrow'],
  'a crash takes a cursor back for good': [
    withStore('d_1', () => ({ cursors: [{ user: 'bob', deliveredSeq: 3, readSeq: 2 }] })),
    'cursorsOnlyGrow',
  ],
  'after a crash a cursor may be behind until its owner is back': [
    withEvents('ann', plus({ t: 'connected', run: 2 }, cursor('bob', 1, 0))),
  ],
  'a stored cursor passes the head': [
    withStore('g', () => ({ cursors: [{ user: 'bob', deliveredSeq: 9, readSeq: 0 }] })),
    'cursorsOnlyGrow',
  ],
  'a removed member’s message is accepted': [
    withEntry('g', 8, { sender: 'cleo' }),
    'rulesHold',
    'acknowledgedIsStored',
    'contentIsWhatWasSent',
  ],
  'somebody who never was in writes': [
    withEntry('d_1', 2, { sender: 'cleo' }),
    'rulesHold',
    'contentIsWhatWasSent',
  ],
  'a member removes somebody': [withEntry('g', 7, { sender: 'bob' }), 'rulesHold'],
  'a member adds somebody': [withEntry('g', 5, { sender: 'bob' }), 'rulesHold'],
  'a member renames the group': [withMore(entry(9, 'bob', 'r', { t: 'groupRenamed' })), 'rulesHold'],
  'a member makes himself owner': [
    withMore(entry(9, 'bob', 'r', { t: 'roleChanged', user: 'bob', role: 'owner' })),
    'rulesHold',
  ],
  'a member recalls what others wrote': [
    withMore(entry(9, 'bob', 'r', { t: 'recall', targetSeq: 2 })),
    'rulesHold',
  ],
  'a group is created twice': [
    withEntry('g', 5, { content: { t: 'groupCreated', members: ['ann', 'bob', 'cleo'] } }),
    'rulesHold',
  ],
};

test('a good run breaks no rule', () => {
  assert.deepEqual(check(good).kept, []);
});

for (const [name, [evidence, ...rules]] of Object.entries(broken))
  test(name, () => {
    assert.deepEqual(rulesBroken(evidence).sort(), [...rules].sort());
  });

test('a recalled message may have been seen before its recall, and its sender may recall it', () => {
  const recalled: Evidence = {
    ...good,
    store: good.store.map((found) =>
      found.convId !== 'd_1'
        ? found
        : {
            ...found,
            entries: [
              { ...at(direct, 1), clientId: '', content: { t: 'recalled' } },
              ...direct.slice(1),
              entry(4, 'bob', 'recall', { t: 'recall', targetSeq: 1 }),
            ],
          },
    ),
    clients: good.clients.map((log) =>
      log.user === 'cleo'
        ? log
        : {
            ...log,
            events: plus(...live('d_1', [entry(4, 'bob', 'recall', { t: 'recall', targetSeq: 1 })]))(
              log.events,
            ),
          },
    ),
  };
  assert.deepEqual(check(recalled).kept, []);
});

test('services write without being members', () => {
  const evidence = withEntry('g', 3, { sender: 'bot', clientId: 'bot1', content: { t: 'recalled' } });
  const bobs = evidence.clients.map((log) => ({
    ...log,
    events: log.events.filter((event) => !(event.t === 'sent' && event.seq === 3)),
  }));
  assert.deepEqual(rulesBroken({ ...evidence, clients: bobs }), ['rulesHold']);
  assert.deepEqual(rulesBroken({ ...evidence, clients: bobs, services: new Set(['bot']) }), []);
});

test('all findings are counted, a few of each rule are kept', () => {
  const lost = Array.from({ length: 50 }, (_, i) => sent('g', message(100 + i, 'ann', 'a1')));
  const findings = check(withEvents('ann', plus(...lost)));
  assert.ok(findings.total >= 50);
  assert.ok(findings.kept.length <= 40);
});
