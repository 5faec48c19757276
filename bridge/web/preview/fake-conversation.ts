import { create } from '@bufbuild/protobuf';
import { ConversationKind, MessageBodySchema, Role } from '../../../gen/parley/chat/v1/entry_pb.ts';
import { type Member, MemberSchema } from '../../../gen/parley/chat/v1/group_pb.ts';
import type {
  ConversationLog,
  ConversationSummary,
  LogContent,
  LogItem,
  MessageStatus,
  PendingSend,
} from '../../../sdk/types.ts';

export interface FakeConversationInit {
  readonly convId: string;
  readonly title: string;
  /** Empty for groups. */
  readonly peer?: string;
  readonly members?: readonly string[];
  readonly role?: Role;
}

/** A conversation that is made up. `older` is history that has not been asked for yet. */
export class FakeConversation {
  readonly convId: string;
  readonly peer: string;
  readonly roles = new Map<string, Role>();
  title: string;
  role: Role;
  items: LogItem[] = [];
  older: LogItem[] = [];
  pending: PendingSend[] = [];
  typing: string[] = [];
  readSeq = 0;
  loadingOlder = false;
  stored = false;
  left = false;
  activeAtMs = 0;

  constructor({ convId, title, peer = '', members = [], role = Role.MEMBER }: FakeConversationInit) {
    this.convId = convId;
    this.title = title;
    this.peer = peer;
    this.role = role;
    for (const member of members) this.roles.set(member, Role.MEMBER);
  }

  get headSeq(): number {
    return this.items.at(-1)?.seq ?? 0;
  }

  add(
    sender: string,
    content: LogContent | string,
    atMs: number,
    status?: MessageStatus,
    clientId = '',
  ): LogItem {
    const item: LogItem = {
      seq: this.headSeq + 1,
      msgId: String(this.headSeq + 1),
      sender,
      createdAtMs: atMs,
      revision: 0,
      clientId,
      content: typeof content === 'string' ? textContent(content) : content,
      status,
    };
    this.items = [...this.items, item];
    this.activeAtMs = atMs;
    return item;
  }

  replace(seq: number, change: Partial<LogItem>): void {
    this.items = this.items.map((item) => (item.seq === seq ? { ...item, ...change } : item));
  }

  unread(me: string): number {
    const messages = this.items.filter((item) => item.content.t === 'message' && item.sender !== me);
    return messages.filter((item) => item.seq > this.readSeq).length;
  }

  summary(me: string): ConversationSummary {
    return {
      convId: this.convId,
      kind: this.peer === '' ? ConversationKind.GROUP : ConversationKind.DIRECT,
      peer: this.peer,
      title: this.title,
      role: this.role,
      memberCount: this.roles.size,
      headSeq: this.headSeq,
      unread: this.unread(me),
      readSeq: this.readSeq,
      last: this.items.at(-1),
      typing: this.typing,
      left: this.left,
    };
  }

  log(): ConversationLog {
    const { convId, items, pending, loadingOlder, stored } = this;
    return { convId, items, pending, hasOlder: this.older.length > 0, loadingOlder, stored };
  }

  members(): readonly Member[] {
    return [...this.roles]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([userId, role]) => create(MemberSchema, { userId, role }));
  }
}

export function textContent(text: string): LogContent {
  return { t: 'message', body: create(MessageBodySchema, { content: { case: 'text', value: text } }) };
}
