import { createHash } from 'node:crypto';

/**
 * A collapse key as push services take it: 32 characters of base64url, whatever the key is made of. It says nothing of
 * the conversation to those who pass it on.
 */
export function collapseName(collapseKey: string): string {
  return createHash('sha256').update(collapseKey).digest('base64url').slice(0, 32);
}
