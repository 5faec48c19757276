import { ChatError } from '../../../sdk/types.ts';

/** What stable reasons mean to people. */
const sentences: Record<string, string> = {
  contentTooLarge: 'This message is too long.',
  emptyContent: 'There is nothing to send.',
  invalidId: 'This name can’t be used.',
  tokenMissing: 'Sign in with a token: this server takes no names.',
  tokenInvalid: 'The server doesn’t accept this token.',
  tokenExpired: 'Your session has expired. Please sign in again.',
  tokenRevoked: 'You were signed out. Please sign in again.',
  developmentOnly: 'Sign in with a token: this server takes no names.',
  originForbidden: 'The server doesn’t accept calls from this address.',
  notMember: 'You are not a member of this conversation.',
  notAllowed: 'You are not allowed to do this.',
  conversationNotFound: 'This conversation doesn’t exist.',
  memberNotFound: 'This person is not a member.',
  groupExists: 'There is a group with this id already.',
  groupFull: 'This group is full.',
  ownerMustHandOver: 'You own this group: make somebody else the owner before you leave.',
  notRecallable: 'This message can’t be recalled.',
  recallTooLate: 'It is too late to recall this message.',
  rateLimited: 'That was too fast. Try again in a moment.',
  overloaded: 'The server is very busy. Try again in a moment.',
  storeUnavailable: 'The server can’t store anything right now. Try again in a moment.',
  diskFull: 'The server’s disk is full.',
  groupsUnavailable: 'Groups can’t be changed right now. Try again in a moment.',
  timedOut: 'The server didn’t answer in time.',
  offline: 'There is no connection to the server.',
  connectionLost: 'There is no connection to the server.',
  upstreamUnavailable: 'The server can’t answer right now. Try again in a moment.',
  tooManyPending: 'Too many messages wait to be sent.',
  tooMuchLoaded: 'This is as far back as this page can show.',
  tooManyConnections: 'There are too many connections. Try again later.',
  internal: 'Something went wrong on the server.',
};

/** A refusal in words for people; what the server said where the reason is not known here. */
export function describeReason(reason: string, message = ''): string {
  return sentences[reason] ?? (message === '' ? `The server refused this (${reason}).` : sentence(message));
}

/** Whatever was thrown, in words for people. */
export function describeProblem(thrown: unknown): string {
  if (thrown instanceof ChatError) return describeReason(thrown.reason, thrown.message);
  return 'Something went wrong.';
}

function sentence(text: string): string {
  const capital = text.charAt(0).toLocaleUpperCase() + text.slice(1);
  return /[.!?…]$/u.test(capital) ? capital : `${capital}.`;
}
