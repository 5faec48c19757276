import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { byteString } from '../../core/byte-string.ts';
import {
  append,
  commit,
  conversation,
  createDirect,
  entry,
  failsWith,
  log,
} from '../../ports/message-store-conformance/samples.ts';
import { failureOf, ServerError } from './failure.ts';
import { TestDatabase } from './testing/database.ts';

// Everything in one file that may not grow past 24 MiB.
const database = await TestDatabase.start(
  '--innodb-file-per-table=0',
  '--innodb-data-file-path=ibdata1:12M:autoextend:max:24M',
);
after(() => database[Symbol.asyncDispose]());

it('a full disk refuses commits as full, reads go on, and commits go on when there is room', async () => {
  const schema = await database.schema();
  await using store = await database.open(schema);
  const [talk, filler] = [conversation('d_talk'), conversation('d_filler')];
  await commit(store, createDirect(talk), createDirect(filler));
  const content = byteString(Buffer.alloc(100_000, 'x'));
  let seq = 2;
  const fill = async () => {
    for (; seq < 1_000; seq += 1) await commit(store, append(filler, [entry(seq, { content })]));
  };
  await assert.rejects(fill(), failsWith('full'));
  assert.ok(seq > 3 && seq < 1_000);
  assert.equal(store.meters.accepting, 0);
  assert.equal((await log(store, talk)).length, 1);
  assert.equal((await log(store, filler)).length, seq - 1);
  await using admin = await database.admin(schema);
  // A deletion needs room, too: few rows at a time, until it finds some.
  const some = `DELETE FROM message WHERE conv_no = ${filler.convNo} AND seq < ${seq - 1} ORDER BY seq LIMIT 4`;
  const left = `SELECT COUNT(*) FROM message WHERE conv_no = ${filler.convNo}`;
  while (Number((await admin.ask(left))[0]?.[0]) > 1)
    await admin.ask(some).catch((error) => assert.equal(failureOf(error), 'full'));
  // The server clears deleted rows away when it gets to it.
  for (;;) {
    try {
      assert.deepEqual(await commit(store, append(filler, [entry(seq, { content })])), ['committed']);
      break;
    } catch (error) {
      assert.ok(failsWith('full')(error));
    }
  }
  assert.equal(store.meters.accepting, 1);
});

it('whatever a full disk is called', () => {
  const full = [3, 20, 28, 1021, 1026, 1114].map((errno) => new ServerError(errno, 0, 'x', undefined));
  assert.deepEqual(new Set(full.map(failureOf)), new Set(['full']));
  assert.equal(
    failureOf(new ServerError(1030, 0, 'Got error 28 "No space left on device" from storage engine', 0)),
    'full',
  );
  assert.equal(failureOf(new ServerError(1030, 0, 'Got error 128 from storage engine', 0)), 'other');
});
