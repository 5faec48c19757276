import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { byteString } from '../core/byte-string.ts';
import { directConvId } from '../core/conv-id.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { ConversationView, KnownConversation } from '../peer/edge-frames.ts';
import { Books } from './testing/books.ts';
import { textContent } from './testing/memory-store.ts';
import {
  ada,
  added,
  bob,
  CountedDraws,
  cyd,
  decision,
  garden,
  kicked,
  send,
  submission,
} from './testing/samples.ts';

const create = (owner: UserId, members: UserId[], history: 'all' | 'sinceJoin' = 'sinceJoin') =>
  decision(owner, 'create', [], {
    t: 'groupCreated',
    group: { name: 'G', owner, maxMembers: 9, history },
    members,
  });

const direct = directConvId(ada, bob);
const toBob = (sender: UserId, clientId: string) =>
  submission(
    sender,
    clientId,
    { t: 'send', peer: sender === ada ? bob : ada, content: textContent(clientId, 'x') },
    { convId: direct },
  );

async function sync(
  books: Books,
  userId: UserId,
  known: readonly KnownConversation[] = [],
  newest = 0,
): Promise<{ views: ConversationView[]; removed: ConvId[]; pages: number }> {
  const views: ConversationView[] = [];
  const removed: ConvId[] = [];
  let pages = 0;
  let done = false;
  for await (const page of books.views.changes(userId, known, newest)) {
    assert.equal(done, false, 'nothing comes after the last page');
    views.push(...page.conversations);
    removed.push(...page.removed);
    pages += 1;
    done = page.done;
  }
  assert.equal(done, true);
  return { views, removed, pages };
}

/** What a device knows that has seen this. */
function knownOf(view: ConversationView, fields: Partial<KnownConversation> = {}): KnownConversation {
  const { convId, headSeq, headMsgId, rev, readSeq, deliveredSeq, peerReadSeq, peerDeliveredSeq } = view;
  return {
    ...{ convId, headSeq, headMsgId, rev, readSeq, deliveredSeq, peerReadSeq, peerDeliveredSeq },
    ...fields,
  };
}

async function viewOf(books: Books, userId: UserId, convId: ConvId): Promise<ConversationView> {
  const view = (await sync(books, userId)).views.find((one) => one.convId === convId);
  assert.ok(view);
  return view;
}

const raise = (
  books: Books,
  convId: ConvId,
  userId: UserId,
  step: { deliveredSeq?: number; readSeq?: number; readOrd?: number },
) => books.hot.with(convId, (conversation) => books.cursors.raise(conversation, userId, step));

describe('sync', () => {
  it('answers with nothing when nothing differs', async () => {
    const books = new Books();
    await books.commit(garden, create(ada, [ada, bob]), send(ada, 'm'));
    const { views } = await sync(books, bob);
    assert.deepEqual(
      await sync(
        books,
        bob,
        views.map((view) => knownOf(view)),
      ),
      { views: [], removed: [], pages: 1 },
    );
  });

  it('names the newest entries that the device lacks, and the gap before them', async () => {
    const books = new Books();
    await books.commit(garden, create(ada, [ada, bob]), ...[2, 3, 4, 5, 6].map((no) => send(ada, `m${no}`)));
    const full = await viewOf(books, bob, garden);
    const cases: [headSeq: number, newest: number, entries: number[], gap: number][] = [
      [0, 2, [5, 6], 1],
      [3, 2, [5, 6], 4],
      [4, 2, [5, 6], 0],
      [4, 50, [5, 6], 0],
      [5, 0, [], 6],
    ];
    for (const [headSeq, newest, entries, gap] of cases) {
      const known = [knownOf(full, { headSeq, headMsgId: 0n })];
      const [view] = (await sync(books, bob, known, newest)).views;
      assert.deepEqual(
        [view?.entries.map(({ seq }) => seq), view?.gapFromSeq],
        [entries, gap],
        `${headSeq}, ${newest}`,
      );
      assert.equal(view?.startOver, false);
    }
    const [fresh] = (await sync(books, bob, [], 2)).views;
    assert.deepEqual([fresh?.entries.map(({ seq }) => seq), fresh?.gapFromSeq], [[5, 6], 1]);
  });

  it('begins for a newcomer with the joining, unless the group shows everything', async () => {
    for (const [history, gap] of [
      ['sinceJoin', 4],
      ['all', 1],
    ] as const) {
      const books = new Books();
      await books.commit(garden, create(ada, [ada], history), send(ada, 'a'), send(ada, 'b'));
      await books.commit(garden, decision(ada, 'in', [], added(bob)), send(ada, 'c'), send(ada, 'd'));
      const [view] = (await sync(books, bob, [], 2)).views;
      assert.deepEqual([view?.joinedSeq, view?.gapFromSeq], [4, gap]);
    }
  });

  it('tells a changed membership, a changed head, and cursors that are further', async () => {
    const books = new Books();
    await books.commit(direct, toBob(ada, 'a'), toBob(ada, 'b'));
    const seen = knownOf(await viewOf(books, bob, direct));
    const changed = async (fields: Partial<KnownConversation> = {}) =>
      (await sync(books, bob, [{ ...seen, ...fields }])).views.length;
    assert.equal(await changed(), 0);
    assert.equal(await changed({ rev: 1n }), 1);
    assert.equal(await changed({ headSeq: 1, headMsgId: 0n }), 1);
    await raise(books, direct, ada, { readSeq: 1, readOrd: 1 });
    assert.equal(await changed(), 1, 'the peer’s');
    assert.equal(await changed({ peerReadSeq: 1, peerDeliveredSeq: 1 }), 0);
    await raise(books, direct, bob, { deliveredSeq: 2 });
    assert.equal(await changed({ peerReadSeq: 1, peerDeliveredSeq: 1 }), 1, 'own, of another device');
    assert.equal(await changed({ peerReadSeq: 1, peerDeliveredSeq: 1, deliveredSeq: 2 }), 0);
  });

  it('takes the cursors that a device knows, up to the log’s end, and nothing beyond it', async () => {
    const books = new Books();
    await books.commit(direct, toBob(ada, 'a'), toBob(ada, 'b'), toBob(ada, 'c'));
    const seen = knownOf(await viewOf(books, bob, direct));
    await sync(books, bob, [{ ...seen, readSeq: 2, deliveredSeq: 99 }]);
    const view = await viewOf(books, bob, direct);
    assert.deepEqual([view.readSeq, view.deliveredSeq, view.unread], [2, 3, 1]);
    await sync(books, bob, [{ ...seen, readSeq: 1, deliveredSeq: 1 }]);
    assert.equal((await viewOf(books, bob, direct)).readSeq, 2, 'they never go back');
    await books.cursors.flush();
    assert.equal((await books.store.cursors(7n, undefined)).length, 0, 'of another conversation');
  });

  it('tells to start over where the store does not know the head that the device names', async () => {
    const books = new Books();
    await books.commit(garden, create(ada, [ada, bob]), send(ada, 'a'), send(ada, 'b'));
    const seen = knownOf(await viewOf(books, bob, garden));
    for (const fields of [{ headSeq: 9, headMsgId: 9n }, { headSeq: 9, headMsgId: 0n }, { headMsgId: 9n }]) {
      const [view] = (await sync(books, bob, [{ ...seen, ...fields }], 1)).views;
      assert.deepEqual(
        [view?.startOver, view?.gapFromSeq],
        [true, 1],
        JSON.stringify(fields, (_, v) => String(v)),
      );
    }
  });

  it('I4: is not misled by what is hot here where another owner has written more', async () => {
    const books = new Books();
    await books.commit(garden, create(ada, [ada, bob]), send(ada, 'a'));
    const held = await books.hot.acquire([garden]);
    const other = new Books(books);
    await other.commit(garden, send(ada, 'b'), decision(ada, 'in', [], added(cyd)), send(ada, 'c'));
    const [view] = (await sync(books, cyd, [], 9)).views;
    assert.deepEqual([view?.headSeq, view?.joinedSeq, view?.memberCount], [5, 4, 3]);
    assert.deepEqual(
      view?.entries.map(({ seq }) => seq),
      [4, 5],
    );
    const seen = knownOf(await viewOf(other, bob, garden));
    const again = await sync(books, bob, [{ ...seen, rev: 0n }]);
    assert.equal(again.views[0]?.startOver, false, 'its head is known to the store');
    books.hot.release(held);
  });

  it('I4: tells a user nothing more who was removed meanwhile by an owner whose clock is behind', async () => {
    const books = new Books();
    await books.commit(garden, create(ada, [ada, bob]), send(ada, 'a'));
    const other = new Books(books, new CountedDraws(1n));
    books.store.turn = async (operation, when) => {
      if (operation !== 'memberships' || when === 'before') return;
      await other.commit(garden, decision(ada, 'out', [], kicked(bob)), send(ada, 'b'));
      // Somebody else's command has this one read the conversation meanwhile.
      await books.hot.with(garden, (conversation) => books.hot.reload([conversation]));
    };
    const [view] = (await sync(books, bob, [], 9)).views;
    assert.deepEqual([view?.leftSeq, view?.headSeq, view?.memberCount], [3, 3, 0]);
    assert.deepEqual(
      view?.entries.map(({ seq }) => seq),
      [1, 2, 3],
    );
  });

  it('tells of those that the user was removed from, once', async () => {
    const books = new Books();
    await books.commit(garden, create(ada, [ada, bob]), send(ada, 'a'));
    const seen = knownOf(await viewOf(books, bob, garden));
    await books.commit(garden, send(ada, 'b'), decision(ada, 'out', [], kicked(bob)), send(ada, 'c'));
    const [view] = (await sync(books, bob, [seen], 9)).views;
    assert.deepEqual([view?.leftSeq, view?.headSeq, view?.unread], [4, 4, 2]);
    assert.deepEqual(
      view?.entries.map(({ seq }) => seq),
      [3, 4],
    );
    assert.ok(view);
    assert.deepEqual((await sync(books, bob, [knownOf(view)])).views, []);
  });

  it('tells those who left nothing that the group became since, whatever is asked, hot or cold', async () => {
    const books = new Books();
    await books.commit(garden, create(ada, [ada, bob]), decision(ada, 'out', [], kicked(bob)));
    await books.commit(
      garden,
      decision(ada, 'new', [], { t: 'groupRenamed', name: 'Secret' }),
      decision(ada, 'in', [], added(cyd)),
    );
    const told = async (by: Books, userId: UserId) => {
      const { conversations } = await by.views.list(userId, undefined, 9);
      const { views } = await sync(by, userId, [], 9);
      const one = await by.hot.with(garden, (conversation) => by.views.one(userId, conversation));
      return [...conversations, ...views, one].map((view) => [view?.name, view?.memberCount]);
    };
    const thrice = (one: unknown) => [one, one, one];
    for (const by of [books, new Books(books)]) {
      assert.deepEqual(await told(by, bob), thrice(['', 0]));
      assert.deepEqual(await told(by, cyd), thrice(['Secret', 2]));
    }
    await books.commit(garden, decision(ada, 'again', [], added(bob)));
    assert.deepEqual(await told(books, bob), thrice(['Secret', 3]));
  });

  it('names as removed what the device knows and the user never was in', async () => {
    const books = new Books();
    await books.commit(garden, create(ada, [ada]));
    const known = { ...knownOf(await viewOf(books, ada, garden)), convId: garden };
    assert.deepEqual((await sync(books, cyd, [known])).removed, [garden]);
  });

  it('pages through more conversations than fit on a page, and leaves out what did not change', async () => {
    const books = new Books();
    const ids = Array.from({ length: 450 }, (_, at) => `g${String(at).padStart(3, '0')}` as ConvId);
    for (const convId of ids) await books.commit(convId, create(ada, [ada, bob]));
    const { views, pages } = await sync(books, bob);
    assert.deepEqual(
      views.map(({ convId }) => convId),
      ids,
    );
    assert.ok(pages >= 3);
    const known = views.map((view) => knownOf(view));
    await books.commit(ids[7] as ConvId, send(ada, 'x'));
    await books.commit(ids[333] as ConvId, send(ada, 'x'));
    const changed = await sync(books, bob, known, 5);
    assert.deepEqual(
      changed.views.map(({ convId }) => convId),
      [ids[7], ids[333]],
    );
    assert.deepEqual(changed.removed, []);
  });

  it('I6: has pages of bounded size, however large the newest entries are', async () => {
    const books = new Books();
    const large = (clientId: string) =>
      submission(ada, clientId, { t: 'send', peer: undefined, content: byteString(new Uint8Array(60_000)) });
    for (let no = 0; no < 8; no += 1) {
      const convId = `g${no}` as ConvId;
      await books.commit(convId, create(ada, [ada, bob]), ...['a', 'b', 'c', 'd', 'e'].map(large));
    }
    let count = 0;
    for await (const { conversations } of books.views.changes(bob, [], 50)) {
      const bytes = conversations
        .flatMap(({ entries }) => entries)
        .reduce((sum, one) => sum + one.content.length, 0);
      assert.ok(bytes < 500_000, `${bytes} bytes`);
      for (const { entries, gapFromSeq } of conversations) {
        assert.ok(entries.length >= 1 && entries.length < 6);
        assert.equal(gapFromSeq, 1, 'what was left out is named');
      }
      count += conversations.length;
    }
    assert.equal(count, 8);
  });
});

describe('unread', () => {
  const messages = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, at) => send(ada, `m${from + at}`));

  it('counts messages, not other entries, after what was read', async () => {
    const books = new Books();
    await books.commit(
      garden,
      create(ada, [ada, bob]),
      ...messages(2, 4),
      decision(ada, 'in', [], added(cyd)),
    );
    await books.commit(garden, ...messages(6, 7));
    assert.equal((await viewOf(books, bob, garden)).unread, 5);
    assert.equal((await viewOf(books, cyd, garden)).unread, 2);
    await raise(books, garden, bob, { readSeq: 5, readOrd: 3 });
    assert.equal((await viewOf(books, bob, garden)).unread, 2);
    await raise(books, garden, bob, { readSeq: 7, readOrd: 5 });
    assert.equal((await viewOf(books, bob, garden)).unread, 0);
  });

  it('ends for one who left with the leaving, and begins anew with a rejoining', async () => {
    const books = new Books();
    await books.commit(
      garden,
      create(ada, [ada, bob]),
      ...messages(2, 3),
      decision(ada, 'out', [], kicked(bob)),
    );
    await books.commit(garden, ...messages(5, 9));
    assert.equal((await viewOf(books, bob, garden)).unread, 2);
    await books.commit(garden, decision(ada, 'in', [], added(bob)));
    assert.equal((await viewOf(books, bob, garden)).unread, 0);
    await books.commit(garden, ...messages(11, 11));
    assert.equal((await viewOf(books, bob, garden)).unread, 1);
  });

  it('is as a count of the log says, whatever happens', async () => {
    const step = fc.constantFrom('send', 'in', 'out', 'read');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const books = new Books();
        await books.commit(garden, create(ada, [ada, bob]));
        let [isIn, joined, left, read, at] = [true, 1, 0, 0, 0];
        const head = () => books.store.log(garden).length;
        for (const one of steps) {
          at += 1;
          if (one === 'send') await books.commit(garden, send(ada, `s${at}`));
          else if (one === 'in' && !isIn) {
            await books.commit(garden, decision(ada, `i${at}`, [], added(bob)));
            [isIn, joined, left] = [true, head(), 0];
          } else if (one === 'out' && isIn) {
            await books.commit(garden, decision(ada, `o${at}`, [], kicked(bob)));
            [isIn, left] = [false, head()];
          } else if (one === 'read') {
            const seq = isIn ? head() : left;
            await books.hot.with(garden, async (conversation) => {
              const readOrd = await books.history.ordAt(conversation, seq);
              books.cursors.raise(conversation, bob, { readSeq: seq, readOrd });
            });
            read = seq;
          }
          const unread = books.store
            .log(garden)
            .filter(
              ({ kind, seq }) =>
                kind === 'message' && seq > Math.max(read, joined) && (left === 0 || seq <= left),
            );
          assert.equal((await viewOf(books, bob, garden)).unread, unread.length);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('a user’s list', () => {
  it('is paged in the order of ids', async () => {
    const books = new Books();
    for (const name of ['b', 'a', 'c']) await books.commit(name as ConvId, create(ada, [ada]));
    const first = await books.views.list(ada, undefined, 2);
    assert.deepEqual([first.conversations.map(({ convId }) => convId), first.next], [['a', 'b'], 'b']);
    const second = await books.views.list(ada, first.next, 2);
    assert.deepEqual([second.conversations.map(({ convId }) => convId), second.next], [['c'], undefined]);
  });

  it('shows the other user of a direct conversation, and oneself in notes', async () => {
    const books = new Books();
    await books.commit(direct, toBob(ada, 'a'));
    const notes = directConvId(ada, ada);
    const intent = { t: 'send', peer: ada, content: textContent('n', 'x') } as const;
    await books.commit(notes, submission(ada, 'n', intent, { convId: notes }));
    assert.equal((await viewOf(books, ada, direct)).peer, 'bob');
    assert.equal((await viewOf(books, bob, direct)).peer, 'ada');
    assert.equal((await viewOf(books, ada, notes)).peer, 'ada');
  });
});
