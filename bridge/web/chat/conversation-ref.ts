import type { ConversationSummary } from '../../../sdk/types.ts';
import { ConversationKind } from '../../../gen/parley/chat/v1/entry_pb.ts';

/** What is open: a conversation, or a direct one that begins with the first message. */
export interface OpenConversation {
  readonly convId: string;
  readonly title: string;
  /** The other user of a direct conversation; empty for groups. */
  readonly peer: string;
  /** Undefined until the first message has made the conversation. */
  readonly summary: ConversationSummary | undefined;
}

export function openSummary(summary: ConversationSummary): OpenConversation {
  const direct = isDirect(summary);
  return { convId: summary.convId, title: summary.title, peer: direct ? summary.peer : '', summary };
}

export function isDirect(summary: ConversationSummary): boolean {
  return summary.kind === ConversationKind.DIRECT;
}
