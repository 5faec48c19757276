import { Role } from '../gen/parley/chat/v1/entry_pb.ts';
import type { ChatError, ConversationSummary, LogItem } from '../sdk/types.ts';

/** What the terminal client prints, as text. */

/** What others wrote is printed, never obeyed: no control character reaches the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: naming them is the point.
  return text.replace(
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    '\ufffd',
  );
}

/** One item of a log, without its time. */
export function describeItem(item: LogItem, self: string): string {
  const who = item.sender === self ? 'you' : printable(item.sender);
  const users = (names: readonly string[]): string =>
    printable(names.map((name) => named(name, self)).join(', '));
  const others = (names: readonly string[], before: string): string => {
    const rest = names.filter((name) => name !== item.sender);
    return rest.length === 0 ? '' : `${before}${users(rest)}`;
  };
  const { content } = item;
  switch (content.t) {
    case 'message': {
      const { content: body } = content.body;
      const text = body.case === 'text' ? body.value : `[${content.body.contentType || 'data'}]`;
      return `${who}: ${printable(text).replaceAll('\n', '\n       ')}`;
    }
    case 'recalled':
      return `${who}: (taken back)`;
    case 'recall':
      return `* ${who} took a message back`;
    case 'groupCreated':
      return `* ${who} created the group ${printable(content.name)}${others(content.members, ' with ')}`;
    case 'groupRenamed':
      return `* ${who} named the group ${printable(content.name)}`;
    case 'membersAdded':
      return content.users.every((name) => name === item.sender)
        ? `* ${who} joined`
        : `* ${who} added ${users(content.users)}`;
    case 'memberRemoved':
      return content.left ? `* ${users([content.user])} left` : `* ${who} removed ${users([content.user])}`;
    case 'roleChanged':
      return `* ${who} made ${users([content.user])} ${roleName(content.role)}`;
    case 'hidden':
      return '* (not for you)';
  }
}

/** One conversation of the list. */
export function describeConversation(summary: ConversationSummary, self: string): string {
  const unread = summary.unread > 0 ? `${summary.unread} unread` : '';
  const last = summary.last === undefined ? '' : describeItem(summary.last, self).split('\n')[0];
  return `  ${printable(summary.title).padEnd(20)} ${unread.padEnd(12)} ${last}`.trimEnd();
}

export function clockTime(atMs: number): string {
  const at = new Date(atMs);
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** The day as a line of its own. */
export function dayLine(atMs: number): string {
  const day = new Date(atMs).toLocaleDateString('en-GB', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
  });
  return `— ${day} —`;
}

export function roleName(role: Role): string {
  if (role === Role.OWNER) return 'owner';
  return role === Role.ADMIN ? 'admin' : 'member';
}

/** What a connection's end means to people. */
export function describeReason(reason: string): string {
  return reasons[reason] ?? reason;
}

const reasons: Readonly<Record<string, string>> = {
  connectionLost: 'no connection',
  connectTimeout: 'no answer',
  nodeDraining: 'the server is going away',
  superseded: 'signed in elsewhere as the same device',
  silent: 'the server fell silent',
  tokenMissing: 'the server wants a token: --token "$(parley token NAME)"',
  tokenInvalid: 'the server does not accept the token',
  tokenExpired: 'the token has expired',
  tokenRevoked: 'the token was revoked',
  developmentOnly: 'the server wants a token: --token "$(parley token NAME)"',
  notMember: 'you are not a member',
  conversationNotFound: 'there is no such conversation',
  offline: 'not connected',
};

/** A refusal in words. */
export function explain(error: ChatError): string {
  return printable(reasons[error.reason] ?? error.message);
}

const named = (name: string, self: string): string => (name === self ? 'you' : name);
const two = (n: number): string => String(n).padStart(2, '0');
