import type { LogEntry, Operation, Result } from './edge-frames.ts';

/** What goes over a link weighs about this much in its queue, in bytes. What holds lists is as heavy as they are long. */

/** Of a conversation or a user. */
const idBytes = 48;

export function weighOperation(op: Operation): number {
  return 192 + contentOf(op);
}

function contentOf(op: Operation): number {
  switch (op.t) {
    case 'send':
      return op.body.byteLength;
    case 'sync':
      return op.known.length * 2 * idBytes;
    case 'presence':
      return op.users.length * idBytes;
    case 'group':
      if (op.change.t === 'create') return op.change.members.length * idBytes;
      return op.change.t === 'add' ? op.change.users.length * idBytes : 0;
    // A target of pushes is some hundred bytes.
    case 'device':
      return 1_024;
    default:
      return 0;
  }
}

export function weighResult(result: Result): number {
  return 128 + answerOf(result);
}

function answerOf(result: Result): number {
  switch (result.t) {
    case 'page':
      return weighEntries(result.entries);
    case 'conversations': {
      const { conversations, removed } = result;
      return conversations.reduce(
        (sum, { entries }) => sum + 512 + weighEntries(entries),
        removed.length * idBytes,
      );
    }
    case 'members':
      return result.members.length * 2 * idBytes;
    case 'presence':
      return result.users.length * 2 * idBytes;
    case 'ids':
      return result.ids.length * 10;
    case 'device':
      return 1_024;
    default:
      return 0;
  }
}

function weighEntries(entries: readonly LogEntry[]): number {
  return entries.reduce((sum, { content }) => sum + content.length + 160, 0);
}
