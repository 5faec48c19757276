import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import { GetConversationResponseSchema } from '../../gen/parley/chat/v1/conversation_pb.ts';
import { ListMembersResponseSchema } from '../../gen/parley/chat/v1/group_pb.ts';
import { ListMessagesResponseSchema } from '../../gen/parley/chat/v1/message_pb.ts';
import { directConvId } from '../../services/core/conv-id.ts';
import type { UserId } from '../../services/core/ids.ts';
import type { SeenEntry, StoredConversation, StoredCursor } from '../checker/log.ts';
import { seenEntry } from './seen.ts';
import { CallError } from '../../bench/targets/parley.ts';
import type { Site } from './site.ts';
import type { World } from './world.ts';

const pageSize = 200;
const triesAtMost = 50;

/** What the store has in the end, read page by page by somebody who may see all of it. */
export async function readStore(world: World, site: Site): Promise<StoredConversation[]> {
  const found: StoredConversation[] = [];
  for (const { id, members } of world.groups) {
    const reader = members[0] as string;
    found.push({
      convId: id,
      direct: undefined,
      entries: await readEntries(site, id, reader),
      cursors: await memberCursors(site, id, reader),
    });
  }
  for (const pair of world.pairs) {
    const [one, other] = pair as readonly [UserId, UserId];
    const convId = directConvId(one, other);
    found.push({
      convId,
      direct: [one, other],
      entries: await readEntries(site, convId, one),
      cursors: await directCursors(site, convId, one, other),
    });
  }
  return found;
}

/** What can't be answered now is asked for again, a while. */
async function ask(site: Site, rpc: string, request: unknown, user: string): Promise<JsonValue> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await site.call<JsonValue>(rpc, request, user);
    } catch (error) {
      if (!(error instanceof CallError) || error.status < 500 || tries === triesAtMost) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function readEntries(site: Site, convId: string, reader: string): Promise<SeenEntry[]> {
  const entries: SeenEntry[] = [];
  for (;;) {
    const list = { convId, fromSeq: `${(entries.at(-1)?.seq ?? 0) + 1}`, limit: pageSize };
    const answer = await ask(site, 'MessageService/ListMessages', { list }, reader);
    const page = fromJson(ListMessagesResponseSchema, answer).entries;
    for (const entry of page?.entries ?? []) entries.push(seenEntry(entry));
    if (page?.more !== true) return entries;
  }
}

async function memberCursors(site: Site, groupId: string, reader: string): Promise<StoredCursor[]> {
  const answer = await ask(site, 'GroupService/ListMembers', { groupId, pageSize: 1000 }, reader);
  return fromJson(ListMembersResponseSchema, answer).members.map(({ userId, deliveredSeq, readSeq }) => ({
    user: userId,
    deliveredSeq: Number(deliveredSeq),
    readSeq: Number(readSeq),
  }));
}

async function directCursors(
  site: Site,
  convId: string,
  user: string,
  peer: string,
): Promise<StoredCursor[]> {
  const answer = await ask(site, 'ConversationService/GetConversation', { convId }, user);
  const state = fromJson(GetConversationResponseSchema, answer).conversation;
  if (state === undefined) throw new Error(`${convId} is gone`);
  return [
    { user, deliveredSeq: Number(state.deliveredSeq), readSeq: Number(state.readSeq) },
    { user: peer, deliveredSeq: Number(state.peerDeliveredSeq), readSeq: Number(state.peerReadSeq) },
  ];
}
