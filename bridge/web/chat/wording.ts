import { Role } from '../../../gen/parley/chat/v1/entry_pb.ts';
import type { LogContent, LogItem } from '../../../sdk/types.ts';

const namedAtMost = 3;

/** `ann`, `ann and bob`, `ann, bob and 4 more`; the reader is `you`. */
export function listNames(users: readonly string[], me: string): string {
  const names = users.map((user) => (user === me ? 'you' : user));
  if (names.length <= 1) return names[0] ?? 'nobody';
  if (names.length <= namedAtMost) return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return `${names.slice(0, namedAtMost - 1).join(', ')} and ${names.length - namedAtMost + 1} more`;
}

/** What an entry that is no message says, as a sentence. */
export function noticeText({ sender, content }: LogItem, me: string): string {
  const who = sender === me ? 'You' : sender;
  switch (content.t) {
    case 'groupCreated':
      return `${who} created the group “${content.name}”`;
    case 'groupRenamed':
      return `${who} renamed the group to “${content.name}”`;
    case 'membersAdded':
      return content.users.length === 1 && content.users[0] === sender
        ? `${who} joined`
        : `${who} added ${listNames(content.users, me)}`;
    case 'memberRemoved':
      return content.left || content.user === sender
        ? `${content.user === me ? 'You' : content.user} left`
        : `${who} removed ${listNames([content.user], me)}`;
    case 'roleChanged':
      return `${who} made ${listNames([content.user], me)} ${roleWithArticle(content.role)}`;
    case 'hidden':
      return 'What was written before you joined is not shown';
    default:
      return '';
  }
}

export function roleName(role: Role): string {
  if (role === Role.OWNER) return 'Owner';
  return role === Role.ADMIN ? 'Admin' : 'Member';
}

function roleWithArticle(role: Role): string {
  if (role === Role.OWNER) return 'the owner';
  return role === Role.ADMIN ? 'an admin' : 'a member';
}

/** A message's content in one line, for lists and announcements. */
export function contentLine(content: LogContent): string {
  if (content.t === 'recalled' || content.t === 'recall') return 'Message recalled';
  if (content.t !== 'message') return '';
  const { body } = content;
  return body.content.case === 'text' ? body.content.value.slice(0, 200) : 'Attachment';
}

/** What somebody did, for the list of conversations. */
export function lastLine(item: LogItem, me: string, direct: boolean): string {
  const { content, sender } = item;
  if (content.t !== 'message' && content.t !== 'recalled' && content.t !== 'recall')
    return noticeText(item, me);
  const line = contentLine(content);
  if (sender === me) return `You: ${line}`;
  return direct ? line : `${sender}: ${line}`;
}

/** `ann is typing`, for up to three; beyond that nobody reads names. */
export function typingText(users: readonly string[], direct: boolean): string {
  if (users.length === 0) return '';
  if (direct) return 'typing…';
  if (users.length > namedAtMost) return 'Several people are typing…';
  return `${listNames(users, '')} ${users.length === 1 ? 'is' : 'are'} typing…`;
}
