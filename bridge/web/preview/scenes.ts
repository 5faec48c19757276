import { Role } from '../../../gen/parley/chat/v1/entry_pb.ts';
import { FakeClient, waiting } from './fake-client.ts';
import { FakeConversation } from './fake-conversation.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

/** Made-up worlds by name: `?scene=history`. Unknown names are the everyday one. */
export function sceneClient(name: string, userId: string): FakeClient {
  const client = new FakeClient(userId);
  if (name === 'empty') return client;
  if (name === 'loading') client.startState = { t: 'connecting', attempt: 1 };
  else everyday(client);
  if (name === 'history') history(client);
  if (name === 'many') many(client);
  if (name === 'returning') returning(client);
  if (name === 'newcomer') newcomer(client);
  if (name === 'flaky') flaky(client);
  if (name === 'offline' || name === 'unkept') {
    client.startState = waiting();
    client.reachable = false;
  }
  if (name === 'superseded') client.startState = { t: 'ended', reason: 'superseded' };
  if (name === 'refused') client.startState = { t: 'ended', reason: 'tokenInvalid' };
  return client;
}

function everyday(client: FakeClient): void {
  const me = client.userId;
  const now = Date.now();
  const lobby = new FakeConversation({
    convId: 'lobby',
    title: 'lobby',
    members: [me, 'ada', 'grace', 'linus', 'margaret', 'مريم'],
    role: Role.ADMIN,
  });
  lobby.roles.set('ada', Role.OWNER).set(me, Role.ADMIN);
  lobby.add('ada', { t: 'groupCreated', name: 'lobby', members: ['ada', 'grace'] }, now - 3 * day);
  lobby.add('ada', 'Welcome, everybody.', now - 3 * day + minute);
  lobby.add('grace', { t: 'membersAdded', users: [me, 'linus', 'margaret', 'مريم'] }, now - 2 * day);
  lobby.add(
    'grace',
    'The compiler is ready for a second pair of eyes. Notes are at https://example.org/notes/compiler?draft=2.',
    now - day,
  );
  lobby.add('grace', 'No hurry, before Friday would be lovely 🙂', now - day + minute);
  lobby.add(me, 'I’ll have a look this afternoon.', now - day + 9 * minute, 'read', 'a1');
  lobby.add('margaret', { t: 'recalled', by: 'margaret' }, now - day + 30 * minute);
  lobby.add('مريم', 'صباح الخير جميعا، الاجتماع الساعة 10 في القاعة الكبيرة.', now - 120 * minute);
  lobby.add(
    'linus',
    'const answer = await ask("everything");\nif (answer !== 42) throw new Error("ask again");',
    now - 60 * minute,
  );
  lobby.add('linus', '🎉', now - 59 * minute);
  lobby.add(
    me,
    'Read it. Two remarks:\n\n1. The lexer drops a trailing comment.\n2. Error messages could name the line.\n\nOtherwise: very nice.',
    now - 31 * minute,
    'read',
    'a2',
  );
  lobby.add(me, 'Shall I send a patch?', now - 30 * minute, 'delivered', 'a3');
  lobby.readSeq = lobby.headSeq;
  client.put(lobby);

  const ada = client.put(new FakeConversation({ convId: 'd_ada', title: 'ada', peer: 'ada' }));
  ada.add('ada', 'Did you see the numbers?', now - 26 * minute);
  ada.add(me, 'Just now. They are better than I hoped.', now - 25 * minute, 'read', 'b1');
  ada.add('ada', 'Tea at four?', now - 8 * minute);
  ada.add('ada', 'I found the Bernoulli notes, too.', now - 7 * minute);
  ada.readSeq = 2;
  client.online.set('ada', { online: true, lastSeenAtMs: 0 });

  const linus = client.put(new FakeConversation({ convId: 'd_linus', title: 'linus', peer: 'linus' }));
  linus.add(me, 'Thanks for the review.', now - 2 * day, 'read', 'c1');
  linus.readSeq = 1;
  client.online.set('linus', { online: false, lastSeenAtMs: now - 42 * minute });

  const crew = client.put(
    new FakeConversation({
      convId: 'crew',
      title: 'Analytical Engine, weekend crew',
      members: [me, 'ada'],
      role: Role.OWNER,
    }),
  );
  crew.roles.set(me, Role.OWNER);
  crew.add(
    me,
    { t: 'groupCreated', name: 'Analytical Engine, weekend crew', members: [me, 'ada'] },
    now - 6 * day,
  );
  crew.readSeq = 1;

  const former = client.put(
    new FakeConversation({ convId: 'former', title: 'Old project', members: ['grace'] }),
  );
  former.add('grace', 'We are done here, thank you all.', now - 40 * day);
  former.add('grace', { t: 'memberRemoved', user: me, left: false }, now - 39 * day);
  former.left = true;
  former.readSeq = 2;
  client.touch('lobby');
}

/** A group with 10,000 messages, all loaded, and one with 3,000 to load page by page. */
function history(client: FakeClient): void {
  const now = Date.now();
  const long = new FakeConversation({ convId: 'long', title: 'Long', members: [client.userId, 'ada'] });
  long.items = madeUp(client.userId, 10_000, now - 20 * day);
  long.readSeq = 10_000;
  long.activeAtMs = now;
  client.put(long);
  const paged = new FakeConversation({ convId: 'paged', title: 'Paged', members: [client.userId, 'ada'] });
  const all = madeUp(client.userId, 3_000, now - 20 * day);
  paged.older = all.slice(0, 2_950);
  paged.items = all.slice(2_950);
  paged.readSeq = 3_000;
  paged.activeAtMs = now - minute;
  client.put(paged);
  const unread = new FakeConversation({ convId: 'unread', title: 'Unread', members: [client.userId, 'ada'] });
  unread.items = madeUp(client.userId, 300, now - day);
  unread.readSeq = 260;
  unread.activeAtMs = now - 2 * minute;
  client.put(unread);
}

/** A group that shows what was written since one joined, which was some days ago. */
function newcomer(client: FakeClient): void {
  const fromMs = Date.now() - 3 * day;
  const group = new FakeConversation({ convId: 'new', title: 'New here', members: [client.userId, 'ada'] });
  group.add('', { t: 'hidden', throughSeq: 1 }, 0);
  group.add('ada', { t: 'membersAdded', users: [client.userId] }, fromMs);
  for (const item of madeUp(client.userId, 60, fromMs)) group.items.push({ ...item, seq: item.seq + 2 });
  group.readSeq = group.headSeq;
  client.put(group);
}

/** Two groups as they were stored yesterday: of the one all was read, of the other all but the last forty. */
function returning(client: FakeClient): void {
  const fromMs = Date.now() - 2 * day;
  for (const [convId, readSeq] of [
    ['read', 100],
    ['unread', 60],
  ] as const) {
    const group = new FakeConversation({ convId, title: convId, members: [client.userId, 'ada'] });
    group.items = madeUp(client.userId, 100, fromMs);
    group.readSeq = readSeq;
    group.activeAtMs = fromMs;
    group.stored = true;
    client.put(group);
  }
}

function madeUp(me: string, count: number, fromMs: number) {
  const conversation = new FakeConversation({ convId: '', title: '' });
  const words = 'the quick brown fox jumps over the lazy dog and then goes home for tea with milk'.split(' ');
  const items = [];
  for (let i = 1; i <= count; i++) {
    const text = `#${i} ${words.slice(0, (i * 7) % words.length).join(' ')}${i % 50 === 0 ? '\n'.repeat(6) : ''}`;
    const sender = i % 5 < 2 ? me : ['ada', 'grace', 'linus'][i % 3];
    conversation.items = [];
    const item = conversation.add(
      sender ?? 'ada',
      text.trim(),
      fromMs + i * 150_000,
      sender === me ? 'read' : undefined,
    );
    items.push({ ...item, seq: i, msgId: String(i), clientId: `h${i}` });
  }
  return items;
}

function many(client: FakeClient): void {
  for (let i = 0; i < 2_000; i++) {
    const conversation = new FakeConversation({
      convId: `g${i}`,
      title: `Group number ${i}`,
      members: [client.userId],
    });
    conversation.add('ada', `Message of group ${i}`, Date.now() - 10 * day - i * minute);
    conversation.readSeq = i % 9 === 0 ? 0 : 1;
    client.convs.set(conversation.convId, conversation);
  }
  client.touch();
}

/** Everything that can be in a message, and history that fails to load now and then. */
function flaky(client: FakeClient): void {
  const odd = new FakeConversation({
    convId: 'odd',
    title: 'A name of a group that is far too long to fit into any header or list that was ever made',
    members: [client.userId, 'ada'],
  });
  const now = Date.now();
  odd.older = madeUp(client.userId, 300, now - 2 * day).map((item) => ({ ...item, seq: item.seq - 300 }));
  odd.add(
    'ada',
    'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'.repeat(3),
    now - 50 * minute,
  );
  odd.add(
    'ada',
    `A long text follows.\n${'Lorem ipsum dolor sit amet, consectetur adipiscing elit. '.repeat(80)}`,
    now - 49 * minute,
  );
  odd.add(
    client.userId,
    'https://example.org/a/very/long/path/that/never/ends/'.repeat(4),
    now - 48 * minute,
    'sent',
    'o1',
  );
  odd.add('ada', '<img src=x onerror=alert(1)> & <b>no markup</b>', now - 47 * minute);
  odd.add('ada', '👩‍👩‍👧 🎉 👍🏽', now - 46 * minute);
  odd.add(client.userId, 'שלום עולם', now - 45 * minute, 'delivered', 'o2');
  odd.readSeq = odd.headSeq;
  client.put(odd);
  client.flakyHistory = true;
}
