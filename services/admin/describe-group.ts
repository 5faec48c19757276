import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DescribeGroupRequest, DescribeGroupResponseSchema } from '../../gen/parley/chat/v1/admin_pb.ts';
import type { ConvId } from '../core/ids.ts';
import type { MessageStore } from '../ports/message-store.ts';

const usualPage = 100;

/** A group as it is in the store; undefined where there is none. Rejects with a StoreError. */
export async function describeGroup(
  store: Pick<MessageStore, 'load'>,
  ask: DescribeGroupRequest | undefined,
): Promise<MessageInitShape<typeof DescribeGroupResponseSchema> | undefined> {
  const [found] = await store.load([(ask?.groupId ?? '') as ConvId]);
  if (found?.group === undefined) return undefined;
  const { name, owner, memberCount, maxMembers } = found.group;
  const after = ask?.pageToken ?? '';
  const limit = ask?.pageSize || usualPage;
  const present = found.members
    .filter(({ userId, leftSeq }) => leftSeq === 0 && userId > after)
    .sort((one, other) => (one.userId < other.userId ? -1 : 1));
  const page = present.slice(0, limit);
  return {
    name,
    owner,
    memberCount,
    maxMembers,
    headSeq: BigInt(found.head.seq),
    members: page.map(({ userId, role, joinedSeq }) => ({ userId, role, joinedSeq: BigInt(joinedSeq) })),
    nextPageToken: present.length > limit ? (page.at(-1)?.userId ?? '') : '',
  };
}
