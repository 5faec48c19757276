import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { MsgId } from '../core/ids.ts';
import { StoreError } from '../ports/message-store.ts';
import { EpochWatch } from './epoch-watch.ts';
import { MemoryStore } from './testing/memory-store.ts';

/** A store of which a test says what epoch it has and which entries. */
class RestoredStore extends MemoryStore {
  present = new Set<MsgId>();
  now = this.epoch;
  locates = 0;
  renewals = 0;
  unavailable = false;
  onLocate = () => {};

  override async readEpoch(): Promise<string> {
    if (this.unavailable) throw new StoreError('unavailable', 'a test says so');
    return this.now;
  }

  override async locate(msgId: MsgId) {
    this.locates += 1;
    const found = this.present.has(msgId) ? ({ convId: 'd_talk', seq: 1 } as never) : undefined;
    this.onLocate();
    return found;
  }

  override async renewEpoch(from: string): Promise<string> {
    this.renewals += 1;
    if (this.now === from) this.now = `${from}+`;
    return this.now;
  }
}

describe('the watch over the epoch', () => {
  let store: RestoredStore;
  let changes: [string, string, MsgId | undefined][];
  let watch: EpochWatch;
  beforeEach(() => {
    store = new RestoredStore();
    changes = [];
    watch = new EpochWatch({
      store,
      changed: (before, lost) => changes.push([before, store.epoch, lost]),
      bug: (error) => assert.fail(String(error)),
    });
  });

  it('says nothing while all is as it was', async () => {
    store.present.add(7n);
    watch.committed(7n, 'epoch');
    assert.equal(await watch.look(), true);
    watch.suspect(7n);
    await watch.look();
    assert.deepEqual(changes, []);
    assert.equal(store.renewals, 0);
  });

  it('draws another one where an epoch that was over comes back', async () => {
    store.now = 'second';
    await watch.look();
    store.now = 'epoch';
    await watch.look();
    assert.deepEqual(changes, [
      ['epoch', 'second', undefined],
      ['second', 'epoch+', undefined],
    ]);
    assert.equal(store.renewals, 1);
  });

  it('adopts the epoch that somebody drew, before it tells of it', async () => {
    store.now = 'another';
    await watch.look();
    assert.deepEqual(changes, [['epoch', 'another', undefined]]);
    await watch.look();
    assert.equal(changes.length, 1);
  });

  it('draws one where the newest entry is gone in two looks', async () => {
    watch.committed(7n, 'epoch');
    await watch.look();
    assert.equal(store.locates, 2);
    assert.deepEqual(changes, [['epoch', 'epoch+', 7n]]);
    // Of the entries before nothing more is expected.
    await watch.look();
    assert.equal(store.renewals, 1);
  });

  it('takes an entry that is there at the second look for present', async () => {
    watch.committed(7n, 'epoch');
    store.onLocate = () => void store.present.add(7n);
    await watch.look();
    assert.deepEqual([changes.length, store.renewals], [0, 0]);
  });

  it('leaves drawing to whoever did it between the looks', async () => {
    watch.committed(7n, 'epoch');
    store.onLocate = () => {
      store.now = 'another';
    };
    await watch.look();
    assert.equal(store.renewals, 0);
    assert.deepEqual(changes, [['epoch', 'another', undefined]]);
  });

  it('looks for entries that others miss, and expects none of another epoch', async () => {
    watch.suspect(9n);
    await watch.look();
    assert.deepEqual(changes, [['epoch', 'epoch+', 9n]]);
    watch.committed(10n, 'epoch');
    await watch.look();
    assert.equal(changes.length, 1);
  });

  it('says when the store could not be asked, and looks again', async () => {
    store.unavailable = true;
    assert.equal(await watch.look(), false);
    store.unavailable = false;
    store.now = 'another';
    assert.equal(await watch.look(), true);
    assert.equal(changes.length, 1);
  });

  it('looks for what was let go of before it was asked, whatever was committed since', async () => {
    watch.letGo(7n as MsgId);
    store.present.add(8n as MsgId);
    watch.committed(8n as MsgId, store.epoch);
    await watch.look();
    assert.equal(store.renewals, 1, 'entry 7 is gone');
    assert.equal(changes.length, 1);
  });

  it('I6: remembers the latest of many that were let go of', async () => {
    for (let no = 1n; no <= 40n; no += 1n) {
      watch.letGo(no as MsgId);
      if (no <= 24n) continue;
      store.present.add(no as MsgId);
    }
    await watch.look();
    assert.equal(store.locates, 16);
    assert.equal(store.renewals, 0);
  });

  it('looks again for what the store did not answer about, whatever was committed since', async () => {
    watch.committed(7n, store.epoch);
    const { locate } = store;
    store.locate = () => Promise.reject(new StoreError('unavailable', 'a test says so'));
    assert.equal(await watch.look(), false);
    store.locate = locate;
    store.present.add(8n);
    watch.committed(8n, store.epoch);
    await watch.look();
    assert.equal(store.renewals, 1, 'entry 7 is gone');
  });
});
