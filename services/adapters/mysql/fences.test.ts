import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import {
  append,
  ada,
  batch,
  bytes,
  clientKey,
  commit,
  conversation,
  createDirect,
  createGroup,
  entry,
  failsWith,
  log,
  member,
  stored,
} from '../../ports/message-store-conformance/samples.ts';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

describe('two stores on one database that both own a conversation', () => {
  it('take turns at losing, and nothing of what lost is there', async () => {
    const schema = await database.schema();
    await using one = await database.open(schema, { incarnation: () => 'one' });
    await using other = await database.open(schema, { incarnation: () => 'other' });
    assert.equal(one.epoch, other.epoch);
    assert.deepEqual(one.clientKeySecret, other.clientKeySecret);
    const talk = conversation('d_talk');
    const first = entry(1);
    await commit(one, createDirect(talk, [first]));
    const written = [stored(first)];
    for (let seq = 2; seq < 12; seq += 1) {
      const [winner, loser] = seq % 2 === 0 ? [one, other] : [other, one];
      const [won, lost] = [entry(seq), entry(seq, { clientKey: clientKey(`lost ${seq}`) })];
      assert.deepEqual(await commit(winner, append(talk, [won])), ['committed']);
      assert.deepEqual(await commit(loser, append(talk, [lost])), ['fenced']);
      assert.deepEqual(await loser.findClientKeys(talk.convNo, [clientKey(`lost ${seq}`)]), []);
      written.push(stored(won));
    }
    assert.deepEqual(await log(one, talk), written);
    assert.deepEqual(await log(other, talk), written);
  });

  it('never both get a seq, however they collide', async () => {
    const schema = await database.schema();
    await using one = await database.open(schema);
    await using other = await database.open(schema);
    const talks = ['a', 'b', 'c'].map((name) => conversation(`d_${name}`));
    await commit(one, ...talks.map((talk) => createDirect(talk)));
    for (let seq = 2; seq < 22; seq += 1) {
      // In opposite orders, as two lanes would have them.
      const [mine, theirs] = await Promise.all([
        commit(one, ...talks.map((talk) => append(talk, [entry(seq)]))),
        commit(other, ...talks.toReversed().map((talk) => append(talk, [entry(seq)]))),
      ]);
      const winners = mine.map(
        (outcome, at) => [outcome, theirs.at(-1 - at)].filter((each) => each === 'committed').length,
      );
      assert.deepEqual(winners, [1, 1, 1]);
    }
  });

  it('fence by the rules, too: a change of members takes a seq', async () => {
    const schema = await database.schema();
    await using one = await database.open(schema);
    await using other = await database.open(schema);
    const garden = conversation('garden');
    await commit(one, createGroup(garden));
    const left = member(ada, { leftSeq: 2, leftOrd: 0 });
    const removal = append(garden, [entry(2, { kind: 'memberRemoved', ord: 0 })], { members: [left] });
    assert.deepEqual(await commit(one, removal), ['committed']);
    assert.deepEqual(await commit(other, append(garden, [entry(2, { ord: 1 })])), ['fenced']);
    assert.deepEqual((await other.load([garden.convId]))[0]?.members, [left]);
  });
});

describe('a transaction that comes into another one’s way', () => {
  it('is made anew after a deadlock', async () => {
    const schema = await database.schema();
    await using store = await database.open(schema);
    await using admin = await database.admin(schema);
    await using watch = await database.admin(schema);
    const [one, two] = [conversation('d_one'), conversation('d_two')];
    const [first, second] = [entry(1), entry(1)];
    await commit(store, createDirect(one, [first]), createDirect(two, [second]));
    // The deadlock's victim is who has changed less: not this one.
    await admin.ask('CREATE TABLE weight (n INT) ENGINE = InnoDB');
    await admin.ask(
      `START TRANSACTION;INSERT INTO weight VALUES ${Array.from({ length: 200 }, (_, at) => `(${at})`).join(',')};
      SELECT * FROM message WHERE conv_no = ${two.convNo} AND seq = 1 FOR UPDATE`,
    );
    const changed = [
      [one, first],
      [two, second],
    ] as const;
    const committing = commit(
      store,
      ...changed.map(([talk, { msgId }]) =>
        append(talk, [entry(2, { kind: 'recall', ord: 1 })], {
          projections: [{ seq: 1, msgId, revision: 1, recalled: true, content: bytes('recalled') }],
        }),
      ),
    );
    await watch.lockWait();
    await admin.ask(`SELECT * FROM message WHERE conv_no = ${one.convNo} AND seq = 1 FOR UPDATE;COMMIT`);
    assert.deepEqual(await committing, ['committed', 'committed']);
    assert.equal(store.meters.contended, 1);
    assert.equal((await log(store, two))[0]?.recalled, true);
  });

  it('is refused as unavailable after waiting for a lock, and leaves nothing', async () => {
    const schema = await database.schema();
    await using store = await database.open(schema);
    await using admin = await database.admin(schema);
    const [free, locked] = [conversation('d_free'), conversation('d_locked')];
    await commit(store, createDirect(locked), createDirect(free));
    await admin.ask(
      `START TRANSACTION;SELECT * FROM message WHERE conv_no = ${locked.convNo} AND seq >= 1 FOR UPDATE`,
    );
    const both = batch(store, append(free, [entry(2)]), append(locked, [entry(2)]));
    await assert.rejects(store.commit(both), failsWith('unavailable'));
    // No lock of a transaction that was given up stands in anybody's way.
    await using other = await database.admin(schema);
    await other.ask('SET innodb_lock_wait_timeout = 0;SELECT * FROM store_epoch, outbox FOR UPDATE');
    assert.equal((await log(store, free)).length, 1);
    await admin.ask('ROLLBACK');
    assert.deepEqual(await store.commit(both), [{ t: 'committed' }, { t: 'committed' }]);
  });
});

describe('an epoch that changed under a writer', () => {
  for (const outbox of [true, false])
    it(`refuses its commits, whatever they are, ${outbox ? 'with an outbox' : 'also where nobody reads the outbox'}`, async () => {
      const schema = await database.schema();
      await using store = await database.open(schema, { outbox });
      await using admin = await database.admin(schema);
      const talk = conversation('d_talk');
      await commit(store, createDirect(talk));
      await admin.ask("DELETE FROM outbox;UPDATE store_epoch SET epoch = 'restored'");
      await assert.rejects(commit(store, append(talk, [entry(2)])), failsWith('epoch'));
      // One that would have been fenced or answered as before learns it, too.
      await assert.rejects(commit(store, append(talk, [entry(1)])), failsWith('epoch'));
      assert.equal((await log(store, talk)).length, 1);
      await using later = await database.open(schema);
      assert.equal(later.epoch, 'restored');
      assert.deepEqual(await commit(later, append(talk, [entry(2)])), ['committed']);
    });
});
