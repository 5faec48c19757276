import { create, fromBinary } from '@bufbuild/protobuf';
import { EntrySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import { bytesOf } from '../../services/core/byte-string.ts';
import type { ConvId, MsgId } from '../../services/core/ids.ts';
import { check } from '../checker/checker.ts';
import type { SeenEntry, StoredConversation } from '../checker/log.ts';
import { seenEntry } from '../crash/seen.ts';
import { checkDelivered, type OwnStay } from './delivered.ts';
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
  for (const { rule, what } of check({ clients, store }).kept) {
    // Two owners draw ids by clocks of their own; what clients get in which order is looked at more closely below.
    if (rule === 'oneOrder' || (rule === 'gapless' && !what.startsWith('the store'))) continue;
    // Cursors are written behind: an owner that takes over tells what it finds, and clients keep the maximum.
    if (rule === 'cursorsOnlyGrow' && what.includes('go back')) continue;
    // Until somebody notices that the store went back, cursors are raised by heads of before.
    if (rule === 'cursorsOnlyGrow' && world.lost.silent && what.includes('past the head')) continue;
    if (rule === 'sendersOrder' && isExcused(world, store, what)) continue;
    findings.add(rule, what);
  }
  for (const { groupId, user, clientId, seq } of admin.answers) {
    const entry = store.find(({ convId }) => convId === groupId)?.entries[seq - 1];
    if (world.lost.hasLostCommand(groupId, seq, clientId)) continue;
    if (entry?.clientId !== clientId || entry.sender !== user)
      findings.add(
        'acknowledgedIsStored',
        `${clientId} of ${user}, answered as ${seq} of ${groupId}, is not there`,
      );
  }
  formerlyAcknowledged(world);
  publishedInOrder(world);
  for (const conversation of store) {
    const stays = staysOf(conversation.direct, conversation.entries);
    onlyOwn(world, conversation, stays);
    for (const client of clients)
      checkDelivered(client, conversation.convId, stays.get(client.user) ?? [], findings);
  }
}

/**
 * Two sends may stand in another order than they were made in where the first was given up, or where its sender was no
 * member for a while: what was refused for good is tried anew when the answer is lost, and may be let in then; or where
 * it was lost by a restore, and its sender asked for it once more.
 */
function isExcused({ clients, lost }: World, store: readonly StoredConversation[], what: string): boolean {
  const [, user, first, , second] = /^(\S+) sent (.*) \((\d+)\) before (.*) \(\d+\) into/.exec(what) ?? [];
  const named = [first ?? '', second ?? ''];
  if (named.some((clientId) => lost.hasLostAny(clientId)) || lost.hasReadmitted(user ?? '')) return true;
  if (clients.some((client) => named.some((clientId) => client.gaveUp(clientId)))) return true;
  // What was recalled before it was lost says no longer whose it was; its sender was told.
  const wasLost = clients.some(({ events, former }) =>
    [...events, ...former].some(
      (event) => event.t === 'sent' && named.includes(event.clientId) && lost.hasLost(event.msgId as MsgId),
    ),
  );
  if (wasLost) return true;
  return store.some(
    ({ entries }) =>
      entries.some(({ clientId }) => clientId === first) &&
      entries.some(({ content }) => content.t === 'membersAdded' && content.users.includes(user ?? '')),
  );
}

type Stays = ReadonlyMap<string, readonly OwnStay[]>;

/** What was acknowledged in an epoch that is over is there, or was lost by the restore. */
function formerlyAcknowledged({ clients, rows, lost, findings }: World): void {
  for (const { user, former } of clients)
    for (const event of former) {
      if (event.t !== 'sent') continue;
      const { convId, seq, msgId, clientId } = event;
      if (rows.log(convId as ConvId)[seq - 1]?.msgId === msgId || lost.hasLost(msgId)) continue;
      findings.add(
        'acknowledgedIsStored',
        `${clientId} of ${user}, ${seq} of ${convId} in a former epoch, is not there`,
      );
    }
}

/**
 * What one run of a node wrote and published itself, under one name, is in the event log in its order, repeats aside. Once
 * its lease has lapsed, what it wrote under the former name is for whoever adopts it, and comes later.
 */
function publishedInOrder(world: World): void {
  const known = new Set<bigint>();
  const last = new Map<string, Map<string, number>>();
  for (const { by, convId, seq, msgId } of world.eventLog?.logged ?? []) {
    if (known.has(msgId)) continue;
    known.add(msgId);
    const stored = world.rows.log(convId)[seq - 1];
    if (world.lost.hasLost(msgId)) continue;
    if (stored?.msgId !== msgId)
      world.findings.add('eventIsStored', `the event log tells of ${seq} of ${convId}, which is not there`);
    if (world.writerOf(msgId)?.incarnation !== by) continue;
    const own = last.get(by) ?? new Map<string, number>();
    last.set(by, own);
    const before = own.get(convId) ?? 0;
    if (seq < before)
      world.findings.add('eventOrder', `one run published ${seq} of ${convId} after ${before}`);
    own.set(convId, Math.max(seq, before));
  }
}

/** Nobody gets what is outside of the time in which they are members. */
function onlyOwn(world: World, { convId }: StoredConversation, stays: Stays): void {
  const all = world.rows.historyOf(convId as ConvId) === 'all';
  for (const { user, events } of world.clients) {
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
): Map<string, OwnStay[]> {
  const stays = new Map<string, OwnStay[]>();
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
