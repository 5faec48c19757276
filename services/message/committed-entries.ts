import { create, fromBinary } from '@bufbuild/protobuf';
import { EntrySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import {
  type CommittedEntry,
  CommittedEntrySchema,
  CommittedKind,
} from '../../gen/parley/node/v1/event_log_pb.ts';
import { bytesOf } from '../core/byte-string.ts';
import type { TraceContext } from '../core/trace-context.ts';
import { wireTrace } from '../peer/trace-wire.ts';
import type { EntryKind, StoredEntry } from '../ports/message-store.ts';

const kinds: Record<EntryKind, CommittedKind> = {
  message: CommittedKind.MESSAGE,
  recall: CommittedKind.RECALL,
  groupCreated: CommittedKind.GROUP_CREATED,
  groupRenamed: CommittedKind.GROUP_RENAMED,
  membersAdded: CommittedKind.MEMBERS_ADDED,
  memberRemoved: CommittedKind.MEMBER_REMOVED,
  roleChanged: CommittedKind.ROLE_CHANGED,
};

/** An entry as the event log tells of it: whom it concerns, and nothing of what a message says (I8). */
export function committedEntry(entry: StoredEntry, trace?: TraceContext): CommittedEntry {
  const { users, targetSeq } = entry.kind === 'message' ? nobody : concerned(entry);
  return create(CommittedEntrySchema, {
    seq: BigInt(entry.seq),
    msgId: entry.msgId,
    kind: kinds[entry.kind],
    sender: entry.sender,
    createdAtMs: BigInt(entry.createdAtMs),
    users,
    targetSeq,
    ...wireTrace(trace),
  });
}

const nobody: { readonly users: string[]; readonly targetSeq: bigint } = { users: [], targetSeq: 0n };

/** Few entries are no messages: these are decoded. */
function concerned({ content: encoded }: StoredEntry): typeof nobody {
  const { content } = fromBinary(EntrySchema, bytesOf(encoded));
  switch (content.case) {
    case 'recall':
      return { users: [], targetSeq: content.value.targetSeq };
    case 'groupCreated':
      return { users: content.value.members, targetSeq: 0n };
    case 'membersAdded':
      return { users: content.value.users, targetSeq: 0n };
    case 'memberRemoved':
    case 'roleChanged':
      return { users: [content.value.user], targetSeq: 0n };
    default:
      return nobody;
  }
}
