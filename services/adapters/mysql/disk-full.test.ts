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

// Everything in one file that may not grow past 48 MiB.
const database = await TestDatabase.start(
  '--innodb-file-per-table=0',
  '--innodb-data-file-path=ibdata1:12M:autoextend:max:48M',
);
after(() => database[Symbol.asyncDispose]());

it('a full disk refuses commits as full, reads go on, and nothing is lost when there is room again', async () => {
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
  // MariaDB itself is not happy with such a file for long: it gets room as it starts again.
  await database.down('SIGKILL');
  await database.up('--innodb-data-file-path=ibdata1:12M:autoextend');
  assert.equal((await log(store, filler)).length, seq - 1);
  assert.deepEqual(await commit(store, append(filler, [entry(seq, { content })])), ['committed']);
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
