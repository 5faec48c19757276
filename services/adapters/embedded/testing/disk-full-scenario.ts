import assert from 'node:assert/strict';
import { type FileHandle, open, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { byteString } from '../../../core/byte-string.ts';
import { firstKey } from '../../../ports/message-store-conformance/fixture.ts';
import {
  ada,
  append,
  commit,
  conversation,
  createDirect,
  entry,
  log,
  stored,
} from '../../../ports/message-store-conformance/samples.ts';
import { type NewEntry, StoreError } from '../../../ports/message-store.ts';
import { type EmbeddedStore, openEmbeddedStore } from '../embedded-store.ts';
import type { StoreLog } from '../events.ts';

/**
 * Runs in a small file system of its own (its argument), fills it to the last byte while committing, makes room again,
 * and shows: refusals are clear, reads go on, recovery is by itself, nothing acknowledged is lost, nothing refused is there.
 */

const room = process.argv[2] ?? '';
const mebibyte = 1024 * 1024;
const talk = conversation('d_talk');
const acknowledged: NewEntry[] = [];
let refusals = 0;
let failedWrites = 0;
const ignore = () => {};
/** Counts the writes that really failed: one, and then none is tried until there is room. */
const told: StoreLog = { info: ignore, warn: ignore, error: () => void (failedWrites += 1) };

function openStore(): Promise<EmbeddedStore> {
  return openEmbeddedStore({
    directory: path.join(room, 'data'),
    masterKeys: [firstKey],
    reserveBytes: 12 * mebibyte,
    log: told,
  });
}

/** Commits one more entry. False when refused for want of space; any other refusal ends the scenario. */
async function send(store: EmbeddedStore): Promise<boolean> {
  const next = entry(acknowledged.length + 1, {
    content: byteString(Buffer.alloc(20_000, acknowledged.length)),
  });
  try {
    const create = acknowledged.length === 0;
    assert.deepEqual(await commit(store, create ? createDirect(talk, [next]) : append(talk, [next])), [
      'committed',
    ]);
    acknowledged.push(next);
    return true;
  } catch (error) {
    assert.ok(error instanceof StoreError && error.kind === 'full', String(error));
    assert.equal(error.message, 'the disk is full');
    refusals += 1;
    return false;
  }
}

async function fill(leaveBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(room);
  const file: FileHandle = await open(path.join(room, 'filler'), 'a');
  for (let left = bavail * bsize - leaveBytes; left > 0; left -= mebibyte)
    await file.write(Buffer.alloc(Math.min(left, mebibyte)));
  await file.close();
}

async function assertWhole(store: EmbeddedStore): Promise<void> {
  assert.deepEqual(
    await log(store, talk),
    acknowledged.map((each) => stored(each)),
  );
  const [snapshot] = await store.load([talk.convId]);
  assert.equal(snapshot?.head.seq, acknowledged.length);
  assert.equal((await store.memberships(ada, undefined, 10)).length, 1);
}

let store = await openStore();
for (let round = 0; round < 3; round++) {
  for (let sent = 0; sent < 20; sent++) assert.equal(await send(store), true);
  await fill(2 * mebibyte);
  while (await send(store)) {
    // Until the disk is full.
  }
  for (let attempt = 0; attempt < 5; attempt++) {
    assert.equal(await send(store), false);
    await assertWhole(store);
  }
  assert.equal(failedWrites, round + 1);
  if (round === 1) {
    // A restart on the full disk: reads work, writes are refused.
    await store.close();
    store = await openStore();
    assert.equal(await send(store), false);
    await assertWhole(store);
  }
  await rm(path.join(room, 'filler'));
  while (!(await send(store))) await new Promise((resolve) => setTimeout(resolve, 10));
  await assertWhole(store);
}
await store.close();
store = await openStore();
await assertWhole(store);
assert.deepEqual((await store.check()).problems, []);
await store.close();
process.stdout.write(JSON.stringify({ acknowledged: acknowledged.length, refusals }));
