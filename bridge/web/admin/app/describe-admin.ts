import { ChatError } from '../../../../sdk/types.ts';

/** What reasons mean to an administrator; the others are told as the server words them. */
const sentences: Record<string, string> = {
  tokenInvalid: 'The server does not accept this token.',
  tokenMissing: 'The server does not accept this token.',
  tokenExpired: 'The token has expired. Sign in with a new one.',
  tokenRevoked: 'The token was revoked. Sign in with another one.',
  scopeMissing: 'This token may not do that: it lacks the scope “admin”, or “tokens” for revoking.',
  rateLimited: 'Too many tokens were tried from here. Wait a moment.',
  connectionLost: 'The server does not answer.',
  internal: 'Something went wrong on the server; its log says what.',
};

/** Whatever was thrown, in words. */
export function describeAdmin(thrown: unknown): string {
  if (!(thrown instanceof ChatError)) return 'Something went wrong in this page.';
  const known = sentences[thrown.reason];
  if (known !== undefined) return known;
  const text = thrown.message.charAt(0).toUpperCase() + thrown.message.slice(1);
  return `${text}${/[.!?]$/.test(text) ? '' : '.'}`;
}
