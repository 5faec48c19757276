import { type ByteString, byteString } from '../core/byte-string.ts';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { EntrySchema, Role as WireRole } from '../../gen/parley/chat/v1/entry_pb.ts';
import type { Seq } from '../core/ids.ts';
import type { GroupEntry } from '../peer/group-frames.ts';
import type { Role } from '../ports/message-store.ts';

/** Contents of the entries that are no messages, as stored: the fields client_id and content of an Entry. */

export const wireRole: Record<Role, WireRole> = {
  member: WireRole.MEMBER,
  admin: WireRole.ADMIN,
  owner: WireRole.OWNER,
};

function encode(init: MessageInitShape<typeof EntrySchema>): ByteString {
  return byteString(toBinary(EntrySchema, create(EntrySchema, init)));
}

export function recallContent(clientId: string, targetSeq: Seq): ByteString {
  return encode({ clientId, content: { case: 'recall', value: { targetSeq: BigInt(targetSeq) } } });
}

export function recalledContent(by: string, recallSeq: Seq): ByteString {
  return encode({ content: { case: 'recalled', value: { by, recallSeq: BigInt(recallSeq) } } });
}

export function hiddenContent(throughSeq: Seq): ByteString {
  return encode({ content: { case: 'hidden', value: { throughSeq: BigInt(throughSeq) } } });
}

export function groupContent(clientId: string, entry: GroupEntry): ByteString {
  switch (entry.t) {
    case 'groupCreated': {
      const value = { name: entry.group.name, members: [...entry.members] };
      return encode({ clientId, content: { case: 'groupCreated', value } });
    }
    case 'groupRenamed':
      return encode({ clientId, content: { case: 'groupRenamed', value: { name: entry.name } } });
    case 'membersAdded':
      return encode({ clientId, content: { case: 'membersAdded', value: { users: [...entry.users] } } });
    case 'memberRemoved': {
      const value = { user: entry.user, left: entry.left };
      return encode({ clientId, content: { case: 'memberRemoved', value } });
    }
    case 'roleChanged': {
      const value = { user: entry.user, role: wireRole[entry.role] };
      return encode({ clientId, content: { case: 'roleChanged', value } });
    }
  }
}
