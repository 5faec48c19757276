import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Failpoints } from '../../core/failpoint.ts';
import { firstKey } from '../../ports/message-store-conformance/fixture.ts';
import {
  append,
  conversation,
  createDirect,
  entry,
  failsWith,
  newNumber,
  type SampleConversation,
} from '../../ports/message-store-conformance/samples.ts';
import type { CommitBatch, ConversationCommit } from '../../ports/message-store.ts';
import { ClientKeyFilter } from './client-keys.ts';
import { Commits } from './commits.ts';
import { Conversations } from './conversations.ts';
import { Database } from './database.ts';
import { Places } from './places.ts';
import { Reserve } from './reserve.ts';
import { prepareSchema } from './schema.ts';
import { StoreEpoch } from './store-epoch.ts';
import { KeyRing } from '../../core/seal.ts';
import { StoreDirectory } from './testing/store-directory.ts';

/** The store's insides without its thread, on a LevelDB that can be hidden. */
async function fixture(failpoints: string) {
  const directory = await StoreDirectory.make();
  const at = path.join(directory.path, 'leveldb');
  // Without this file LevelDB takes the directory for none of its own.
  const [current, away] = [path.join(at, 'CURRENT'), path.join(directory.path, 'away')];
  const database = await Database.open({
    directory: at,
    reserve: new Reserve(path.join(directory.path, 'reserve'), 4_096),
    cacheBytes: 1 << 20,
    createIfMissing: true,
    onEvent: () => {},
  });
  const keys = new KeyRing([firstKey]);
  const { epoch } = await prepareSchema(database.level, keys);
  const conversations = new Conversations(database, keys);
  const clientKeys = await ClientKeyFilter.begin(database);
  const commits = new Commits({
    database,
    clientKeys,
    conversations,
    places: await Places.begin(database),
    epoch: new StoreEpoch(database, epoch),
    failpoints: Failpoints.parse(failpoints),
    sync: true,
    traceFd: undefined,
    settleWithinMs: 20,
  });
  return {
    database,
    commits,
    batch: (...all: ConversationCommit[]): CommitBatch => ({
      epoch,
      batchId: newNumber(),
      conversations: all,
    }),
    head: (talk: SampleConversation) => conversations.get(talk.convNo)?.head.seq,
    hide: () => rename(current, away),
    bring: () => rename(away, current),
    [Symbol.asyncDispose]: async () => {
      await clientKeys.stop();
      await database.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

describe('a batch whose write failed, while the store can not be reopened', () => {
  it('is unknown, also when it is written again, until it is known to stand', async () => {
    await using store = await fixture('afterCommit=error@2');
    const talk = conversation('d_talk');
    await store.commits.commit(store.batch(createDirect(talk)));
    const lost = store.batch(append(talk, [entry(2)]));
    await store.hide();
    await assert.rejects(store.commits.commit(lost), failsWith('unknown'));
    await assert.rejects(store.commits.commit(lost), failsWith('unknown'));
    const other = store.batch(append(talk, [entry(2)]));
    await assert.rejects(store.commits.commit(other), failsWith('unavailable'));
    assert.throws(() => store.database.level, failsWith('unavailable'));
    await store.bring();
    await store.database.readable(60_000);
    assert.equal(store.head(talk), 2);
    assert.deepEqual(await store.commits.commit(lost), [{ t: 'committed' }]);
    assert.deepEqual(await store.commits.commit(other), [{ t: 'fenced', duplicates: [] }]);
  });

  it('keeps closing possible', async () => {
    await using store = await fixture('afterCommit=error@1');
    await store.hide();
    await assert.rejects(
      store.commits.commit(store.batch(createDirect(conversation('d_talk')))),
      failsWith('unknown'),
    );
    await store.database.close();
    await assert.rejects(store.database.readable(60_000), failsWith('unavailable'));
  });
});
