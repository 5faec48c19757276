import { type Entry, Role as WireRole } from '../../gen/parley/chat/v1/entry_pb.ts';
import type { EntryContent, Role, SeenEntry } from '../checker/log.ts';

/** An entry as the checker wants it. */
export function seenEntry(entry: Entry): SeenEntry {
  return {
    seq: Number(entry.seq),
    msgId: entry.msgId,
    sender: entry.sender,
    clientId: entry.clientId,
    content: contentOf(entry.content),
  };
}

function contentOf(content: Entry['content']): EntryContent {
  switch (content.case) {
    case 'message': {
      const { content: body } = content.value;
      return { t: 'message', text: body.case === 'text' ? body.value : '' };
    }
    case 'recalled':
      return { t: 'recalled' };
    case 'recall':
      return { t: 'recall', targetSeq: Number(content.value.targetSeq) };
    case 'groupCreated':
      return { t: 'groupCreated', members: content.value.members };
    case 'groupRenamed':
      return { t: 'groupRenamed' };
    case 'membersAdded':
      return { t: 'membersAdded', users: content.value.users };
    case 'memberRemoved':
      return { t: 'memberRemoved', user: content.value.user, left: content.value.left };
    case 'roleChanged':
      return { t: 'roleChanged', user: content.value.user, role: roleOf(content.value.role) };
    case 'hidden':
      return { t: 'hidden', throughSeq: Number(content.value.throughSeq) };
    case undefined:
      throw new Error('an entry without content');
  }
}

function roleOf(role: WireRole): Role {
  return role === WireRole.OWNER ? 'owner' : role === WireRole.ADMIN ? 'admin' : 'member';
}
