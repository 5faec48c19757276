import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { byteString } from '../../core/byte-string.ts';
import { firstKey } from '../../ports/message-store-conformance/fixture.ts';
import {
  ada,
  bob,
  clientKey,
  commit,
  conversation,
  createDirect,
  createGroup,
  entry,
  newNumber,
  user,
} from '../../ports/message-store-conformance/samples.ts';
import { targetHash } from '../../ports/device-codec.ts';
import { checkDirectory } from './check-directory.ts';
import { decodeDeviceRow, encodeDeviceRow } from './device-codec.ts';
import {
  clientKeyKey,
  convByNameKey,
  convKey,
  convUserKey,
  deviceKey,
  entryKey,
  membershipKey,
  msgIdKey,
  placesKey,
  silenceKey,
  table,
  targetKey,
} from './keys.ts';
import type { Level } from './level.ts';
import {
  decodeEntryRow,
  decodeHeadRow,
  encodeCursorRow,
  encodeEntryRow,
  encodeHeadRow,
  encodePlaceRow,
  encodeSeq,
} from './rows.ts';
import { levelDirectory } from './store-thread.ts';
import { StoreDirectory } from './testing/store-directory.ts';

const talk = conversation('d_talk');
const garden = conversation('garden');
const key = clientKey('a');
const entries = [entry(1, { clientKey: key }), entry(2), entry(3)];
const first = entries[0]?.msgId ?? 0n;
const phone = {
  userId: ada,
  deviceId: 'phone',
  platform: 'android',
  name: '',
  target: { t: 'fcm', token: 'a token' },
} as const;

function row(level: Level, at: Buffer): Buffer {
  const value = level.getSync(at);
  assert.ok(value, 'the row to damage is there');
  return value;
}

/** What can be wrong, how to make it so, and what check says. */
const damages: [string, (level: Level) => Promise<void>, RegExp][] = [
  ['an entry is gone', (level) => level.del(entryKey(talk.convNo, 2)), /seq 3 follows seq 1/],
  [
    'the last entry is gone',
    (level) => level.del(entryKey(talk.convNo, 3)),
    /ends at seq 2, its head says 3/,
  ],
  [
    'an ord is wrong',
    (level) => {
      const at = entryKey(talk.convNo, 2);
      return level.put(at, encodeEntryRow({ ...decodeEntryRow(row(level, at)), ord: 7 }));
    },
    /seq 2 has ord 7 instead of 2/,
  ],
  [
    'a content has changed',
    (level) => {
      const at = entryKey(talk.convNo, 2);
      const value = row(level, at);
      value[value.byteLength - 1] = (value[value.byteLength - 1] as number) ^ 1;
      return level.put(at, value);
    },
    /seq 2 does not open/,
  ],
  [
    'a head is behind',
    (level) => {
      const at = convKey(table.head, talk.convNo);
      return level.put(at, encodeHeadRow({ ...decodeHeadRow(row(level, at)), seq: 2 }));
    },
    /ends at seq 3, its head says 2/,
  ],
  ['a head is gone', (level) => level.del(convKey(table.head, talk.convNo)), /d_talk has no head/],
  ['an id is gone', (level) => level.del(convByNameKey(talk.convId)), /d_talk is not found by its id/],
  [
    'a conversation is gone',
    (level) => level.del(convKey(table.conversation, talk.convNo)),
    /no conversation/,
  ],
  ['msg ids are gone', (level) => level.del(placesKey(first)), /seq 2 is not found by its msg id/],
  [
    'a msg id is too many',
    (level) => level.put(msgIdKey(newNumber()), encodePlaceRow({ convNo: talk.convNo, seq: 1 })),
    /leads to another entry/,
  ],
  [
    'a client key is gone',
    (level) => level.del(clientKeyKey(talk.convNo, key)),
    /not found by its client key/,
  ],
  [
    'a client key is too many',
    (level) => level.put(clientKeyKey(talk.convNo, clientKey('b')), encodeSeq(2)),
    /client key leads to another entry/,
  ],
  [
    'a list lacks a conversation',
    (level) => level.del(membershipKey(bob, talk.convId)),
    /bob of d_talk is not listed/,
  ],
  [
    'a list has a conversation too many',
    (level) =>
      level.put(membershipKey(user('eve'), talk.convId), row(level, membershipKey(bob, talk.convId))),
    /eve is listed in d_talk/,
  ],
  [
    'a group row is gone',
    (level) => level.del(convKey(table.group, garden.convNo)),
    /garden is a group and has no/,
  ],
  [
    'a cursor is beyond the head',
    (level) => {
      const cursor = { convNo: talk.convNo, userId: ada, deliveredSeq: 9, readSeq: 0, readOrd: 0 };
      return level.put(convUserKey(table.cursor, talk.convNo, ada), encodeCursorRow(cursor));
    },
    /cursor of ada in .* is beyond the head/,
  ],
  [
    'a push target has changed',
    (level) => {
      const at = deviceKey(ada, 'phone');
      const value = row(level, at);
      value[value.byteLength - 1] = (value[value.byteLength - 1] as number) ^ 1;
      return level.put(at, value);
    },
    /target of device phone of ada does not open/,
  ],
  [
    'a device is known by another target',
    (level) => {
      const at = deviceKey(ada, 'phone');
      return level.put(at, encodeDeviceRow({ ...decodeDeviceRow(row(level, at)), hash: Buffer.alloc(16) }));
    },
    /phone of ada has another target/,
  ],
  [
    'a device is not found by its target',
    (level) => level.del(targetKey(targetHash(phone.target))),
    /phone of ada is not found by its target/,
  ],
  [
    'a device is gone',
    (level) => level.del(deviceKey(ada, 'phone')),
    /target leads to device phone of ada, which is not there/,
  ],
  ['a silence is garbage', (level) => level.put(silenceKey(ada, talk.convId), Buffer.of(1)), /can't be read/],
  ['a row is garbage', (level) => level.put(entryKey(talk.convNo, 4), Buffer.of(1)), /can't be read/],
];

describe('check', () => {
  for (const [what, damage, says] of damages)
    it(`finds that ${what}`, async () => {
      await using directory = await StoreDirectory.make();
      const store = await directory.open();
      await commit(store, createDirect(talk, entries), createGroup(garden));
      await store.devices.register(phone, 1_000);
      await store.close();
      assert.deepEqual((await checkDirectory(directory.path, [firstKey])).problems, []);
      const level = await directory.openLevel();
      await damage(level);
      await level.close();
      const { problems } = await checkDirectory(directory.path, [firstKey]);
      assert.ok(
        problems.some((problem) => says.test(problem)),
        problems.join('\n'),
      );
    });

  it('finds blocks that the disk has damaged, whatever is in them', async () => {
    await using directory = await StoreDirectory.make();
    const store = await directory.open();
    const many = Array.from({ length: 400 }, (_none, at) =>
      entry(at + 1, { content: byteString(randomBytes(256)) }),
    );
    await commit(store, createDirect(talk, many), createGroup(garden));
    await store.close();
    const level = await directory.openLevel();
    await level.compactRange(Buffer.alloc(0), Buffer.alloc(8, 0xff));
    await level.close();
    const files = path.join(directory.path, levelDirectory);
    assert.deepEqual((await checkDirectory(directory.path, [firstKey])).problems, []);
    const table = await largestTable(files);
    const sound = await readFile(table);
    // A single bit; what a bad sector reads as; a file that was cut off.
    const turned = Buffer.from(sound);
    turned[turned.length >> 2] = (turned[turned.length >> 2] as number) ^ 4;
    const zeros = Buffer.from(sound).fill(0, sound.length >> 1, (sound.length >> 1) + 8_192);
    // Behind the rows stands the filter, by which a lookup passes over tables.
    const filter = Buffer.from(sound);
    const inFilter = filter.indexOf('filter.leveldb') - 40;
    filter[inFilter] = (filter[inFilter] as number) ^ 1;
    for (const damaged of [turned, zeros, filter, sound.subarray(0, 1_000), sound.subarray(0, 10)]) {
      await writeFile(table, damaged);
      const { problems } = await checkDirectory(directory.path, [firstKey]);
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? '', /^\d+\.ldb: \d+ of \d+ blocks are damaged/);
    }
    await writeFile(table, sound);
    assert.deepEqual((await checkDirectory(directory.path, [firstKey])).problems, []);
  });
});

async function largestTable(files: string): Promise<string> {
  let largest = { file: '', size: 0 };
  for (const name of await readdir(files)) {
    const { size } = await stat(path.join(files, name));
    if (name.endsWith('.ldb') && size > largest.size) largest = { file: path.join(files, name), size };
  }
  return largest.file;
}
