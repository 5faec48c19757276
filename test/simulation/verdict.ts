import { create, fromBinary } from '@bufbuild/protobuf';
import { EntrySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import { bytesOf } from '../../services/core/byte-string.ts';
import type { ConvId } from '../../services/core/ids.ts';
import { check } from '../checker/checker.ts';
import type { ClientLog, SeenEntry, StoredConversation } from '../checker/log.ts';
import { seenEntry } from '../crash/seen.ts';
import type { World } from './world.ts';

/** Compares what all clients did and saw with what is in the store, by the checker of all suites and some rules more. */
export function judge(world: World, directs: ReadonlyMap<string, readonly [string, string]>): void {
  const { findings, rows, clients, admin } = world;
  const store = rows.convIds().map((convId): StoredConversation => {
    const entries = rows.log(convId).map((stored) => {
      const content = fromBinary(EntrySchema, bytesOf(stored.content));
      const { msgId, sender } = stored;
      return seenEntry(create(EntrySchema, { ...content, seq: BigInt(stored.seq), msgId, sender }));
    });
    return { convId, direct: directs.get(convId), entries, cursors: [] };
  });
  const logs = clients.flatMap((client) => client.logs);
  for (const { rule, what } of check({ clients: logs, store }).kept) {
    // Two owners draw ids by clocks of their own.
    if (rule === 'oneOrder' && what.startsWith('msg_ids')) continue;
    findings.add(rule, what);
  }
  for (const { groupId, user, clientId, seq } of admin.answers) {
    const entry = store.find(({ convId }) => convId === groupId)?.entries[seq - 1];
    if (entry?.clientId !== clientId || entry.sender !== user)
      findings.add('acknowledgedIsStored', `${clientId} of ${user}, answered as ${seq} of ${groupId}, is not there`);
  }
  for (const conversation of store) onlyOwn(world, conversation, logs);
}

/** Nobody gets what is outside of the time in which they are members. */
function onlyOwn(world: World, { convId, direct, entries }: StoredConversation, logs: readonly ClientLog[]): void {
  const all = world.rows.historyOf(convId as ConvId) === 'all';
  const stays = staysOf(direct, entries);
  for (const { user, events } of logs) {
    const own = stays.get(user) ?? [];
    for (const event of events) {
      if ((event.t !== 'entry' && event.t !== 'fetched') || event.convId !== convId) continue;
      const { seq, content } = event.entry;
      if (content.t === 'hidden') continue;
      const isOwn = own.some(({ from, to }) => seq >= from && seq <= to);
      const mayRead = event.t === 'fetched' && all && own.some(({ to }) => seq <= to);
      if (!isOwn && !mayRead)
        world.findings.add('membership', `${user} got ${seq} of ${convId} (${event.t}), which is not theirs`);
    }
  }
}

function staysOf(
  direct: StoredConversation['direct'],
  entries: readonly SeenEntry[],
): Map<string, { readonly from: number; to: number }[]> {
  const stays = new Map<string, { readonly from: number; to: number }[]>();
  const enter = (user: string, from: number): void => {
    const own = stays.get(user) ?? [];
    own.push({ from, to: Number.POSITIVE_INFINITY });
    stays.set(user, own);
  };
  for (const user of direct ?? []) enter(user, 1);
  for (const { seq, content } of entries) {
    if (content.t === 'groupCreated') for (const user of content.members) enter(user, seq);
    if (content.t === 'membersAdded') for (const user of content.users) enter(user, seq);
    const last = content.t === 'memberRemoved' ? stays.get(content.user)?.at(-1) : undefined;
    if (last !== undefined) last.to = seq;
  }
  return stays;
}
