import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConvId, MsgId } from '../core/ids.ts';
import { silentLogger } from '../core/log.ts';
import { StoreError } from '../ports/message-store.ts';
import { Conversation } from './conversation.ts';
import { confirmedIds, LostEntries } from './lost-entries.ts';
import { MessageMeters } from './meters.ts';

/** A store that has these entries, and can be asked so often. */
function scene(has: readonly MsgId[], questions = Number.POSITIVE_INFINITY) {
  const meters = new MessageMeters();
  const asked: MsgId[] = [];
  const store = {
    locate: async (msgId: MsgId) => {
      if (asked.push(msgId) > questions) throw new StoreError('unavailable', 'away');
      return has.includes(msgId) ? { convId: 'g' as ConvId, seq: 1 } : undefined;
    },
  };
  return { meters, asked, lost: new LostEntries({ store, meters, log: silentLogger }) };
}

test('each is counted that the store lacks, and none is looked for before the first that it has', async () => {
  const { meters, asked, lost } = scene([1n, 2n, 7n]);
  await lost.count([[1n, 2n, 3n, 4n], [], [6n, 7n], [9n]]);
  assert.equal(meters.entriesLost, 3);
  assert.deepEqual(asked, [4n, 3n, 2n, 7n, 9n]);
});

test('a store that can’t be asked any more ends the count', async () => {
  const { meters, lost } = scene([], 2);
  await lost.count([[1n, 2n, 3n]]);
  assert.equal(meters.entriesLost, 2);
});

test('of a conversation without entries in memory its newest one is known, of one that is not there none', () => {
  const conversation = new Conversation('g' as ConvId);
  assert.deepEqual(confirmedIds(conversation), []);
  conversation.convNo = 5n;
  conversation.head = { seq: 3, ord: 3, msgId: 8n };
  assert.deepEqual(confirmedIds(conversation), [8n]);
});
