import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { type ByteString, byteString } from '../../core/byte-string.ts';
import type { ConvId } from '../../core/ids.ts';
import type { ClientKey } from '../../ports/message-store.ts';
import {
  append,
  batch,
  bytes,
  clientKey,
  commit,
  conversation,
  createDirect,
  createGroup,
  entry,
  failsWith,
  group,
  log,
  member,
  newNumber,
  stored,
  user,
} from '../../ports/message-store-conformance/samples.ts';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start('--max-allowed-packet=1M');
after(() => database[Symbol.asyncDispose]());

const everyByte = byteString(Buffer.from(Array.from({ length: 256 }, (_, at) => at)));
const nasty = `'; DROP TABLE message; -- \\' \\" \` %_ \\0 \\n /*! */ ? ?? :name \u0001\u00a0`;

describe('whatever bytes there are', () => {
  it('come back as they were, in contents, keys, names and ids', async () => {
    await using store = await database.open(await database.schema());
    const talk = conversation(`d_${nasty}`);
    const key = Array.from({ length: 16 }, (_, at) =>
      String.fromCharCode([0, 39, 92, 255][at % 4] ?? 0),
    ).join('');
    const lone = Array.from({ length: 256 }, (_, at) =>
      entry(at + 1, { content: everyByte[at] as ByteString }),
    );
    const last = entry(257, {
      sender: nasty,
      content: (everyByte + bytes(nasty)) as ByteString,
      clientKey: key as ClientKey,
    });
    await commit(store, createDirect(talk, [...lone, last], [user(nasty), user("O'Neill\\")]));
    assert.deepEqual(
      await log(store, talk),
      [...lone, last].map((each) => stored(each)),
    );
    assert.equal((await store.findClientKeys(talk.convNo, [key as ClientKey]))[0]?.seq, 257);
    const [found] = await store.load([talk.convId]);
    assert.deepEqual(found?.members.map(({ userId }) => userId).toSorted(), [nasty, "O'Neill\\"].toSorted());
    const garden = conversation(`${nasty} garden`);
    const row = group({ name: nasty.repeat(4), owner: nasty });
    await commit(store, createGroup(garden, { group: row, members: [member(user(nasty))] }));
    assert.deepEqual(
      (await store.memberships(user(nasty), undefined, 10)).map(({ convId }) => convId).toSorted(),
      [garden.convId, talk.convId].toSorted(),
    );
    assert.deepEqual((await store.load([garden.convId]))[0]?.group, row);
    assert.deepEqual((await store.check()).problems, []);
  });

  it('may be 64 KiB, many in one batch that takes several packets', async () => {
    await using store = await database.open(await database.schema());
    const talks = Array.from({ length: 40 }, (_, at) => conversation(`d_${at}`));
    const large = byteString(Buffer.alloc(65_536, "\\'\0ÿ", 'latin1'));
    const made = talks.map((talk) => createDirect(talk, [entry(1, { content: large })]));
    // Its SQL is some 5 MiB, five times what this server takes at once.
    assert.deepEqual(new Set(await commit(store, ...made)), new Set(['committed']));
    for (const talk of [talks[0], talks[39]])
      assert.equal((await log(store, talk as (typeof talks)[0]))[0]?.content, large);
  });

  it('are all or none: a batch of several packets whose last conversation loses', async () => {
    await using store = await database.open(await database.schema());
    const talks = Array.from({ length: 20 }, (_, at) => conversation(`d_${at}`));
    const lost = conversation('d_lost');
    await commit(store, createDirect(lost));
    const large = byteString(Buffer.alloc(65_536, 'x'));
    const made = talks.map((talk) => createDirect(talk, [entry(1, { content: large })]));
    const outcomes = await commit(store, ...made, createDirect(lost));
    assert.deepEqual(outcomes, [...talks.map(() => 'committed'), 'fenced']);
  });
});

describe('ids', () => {
  it('are compared by their bytes', async () => {
    await using store = await database.open(await database.schema());
    const long = '🙂'.repeat(64);
    const names = ['a', 'a ', 'A', 'ä', 'a\u0308', 'ss', 'ß', 'i', 'İ', 'ı', long, `${long.slice(2)}🙃`];
    await commit(
      store,
      ...names.map((name) => createGroup(conversation(name), { members: [member(user(name))] })),
    );
    const found = await store.load(names as ConvId[]);
    assert.deepEqual(
      found.map((each) => each?.convId),
      names,
    );
    for (const name of names)
      assert.deepEqual(
        (await store.memberships(user(name), undefined, 10)).map(({ convId }) => convId),
        [name],
      );
  });

  it('reach to the end of what 63 bits hold', async () => {
    await using store = await database.open(await database.schema());
    const talk = { convNo: 2n ** 63n - 1n, convId: 'd_last' as ConvId };
    await commit(store, createDirect(talk, [entry(1, { msgId: 2n ** 63n - 2n })]));
    const second = entry(2, { createdAtMs: Number.MAX_SAFE_INTEGER });
    assert.deepEqual(await commit(store, append(talk, [second])), ['committed']);
    assert.deepEqual(await commit(store, append({ ...talk, convNo: talk.convNo - 1n }, [entry(3)])), [
      'fenced',
    ]);
    assert.deepEqual((await log(store, talk))[1], stored(second));
    assert.deepEqual(await store.locate(2n ** 63n - 2n), { convId: talk.convId, seq: 1 });
  });

  it('are spread over the partitions, although they end in the same bits', async () => {
    const schema = await database.schema();
    await using store = await database.open(schema);
    await using admin = await database.admin(schema);
    await commit(store, ...Array.from({ length: 160 }, (_, at) => createDirect(conversation(`d_${at}`))));
    const counts = [];
    for (let at = 0; at < 16; at += 1)
      counts.push(Number((await admin.ask(`SELECT COUNT(*) FROM message PARTITION (p${at})`))[0]?.[0]));
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      160,
    );
    assert.ok(Math.max(...counts) < 80, `no partition has half of them: ${counts}`);
  });
});

describe('what can never be written', () => {
  const garden = () => conversation(`g_${newNumber()}`);
  const impossible = {
    'a sender that is too long': () => createDirect(garden(), [entry(1, { sender: 'x'.repeat(257) })]),
    'a group name that is too long': () =>
      createGroup(garden(), { group: group({ name: 'x'.repeat(1_025) }) }),
    'a lone surrogate': () => createDirect(garden(), [entry(1, { sender: '\ud800' })]),
    'half a seq': () => createDirect(garden(), [entry(1, { ord: 0.5 })]),
    'a number of a conversation below 0': () => createDirect({ ...garden(), convNo: -1n }),
    'more members than there can be': () => createGroup(garden(), { group: group({ maxMembers: 2 ** 32 }) }),
    'a character that is no byte': () =>
      createDirect(garden(), [entry(1, { clientKey: '\u0100'.repeat(16) as ClientKey })]),
    'a body that no packet holds': () =>
      createDirect(garden(), [entry(1, { content: byteString(Buffer.alloc(600_000)) })]),
  };
  // The first batch is rendered in the thread, the second one here.
  for (const [what, make] of Object.entries(impossible))
    it(`is rejected, and nothing of its batch is there: ${what}`, async () => {
      await using store = await database.open(await database.schema());
      const good = createDirect(conversation('d_good'), [entry(1, { clientKey: clientKey('good') })]);
      const others = Array.from({ length: 10 }, (_, at) => createDirect(conversation(`d_${at}`)));
      for (const mixed of [batch(store, good, ...others, make()), batch(store, good, make())])
        await assert.rejects(store.commit(mixed), failsWith('rejected'));
      assert.deepEqual(await store.load([good.convId]), [undefined]);
      assert.deepEqual(await commit(store, good), ['committed']);
    });

  it('includes the number of one conversation under the name of another', async () => {
    const schema = await database.schema();
    await using store = await database.open(schema);
    await using fresh = await database.open(schema);
    const talk = conversation('d_talk');
    await commit(store, createDirect(talk));
    const wrong = { ...talk, convId: 'd_other' as ConvId };
    for (const each of [store, fresh]) {
      await assert.rejects(commit(each, append(wrong, [entry(2)])), failsWith('rejected'));
      await assert.rejects(commit(each, createDirect(wrong)), failsWith('rejected'));
    }
    assert.equal((await log(store, talk)).length, 1);
  });
});
