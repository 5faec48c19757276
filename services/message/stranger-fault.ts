import { isDirect } from '../core/conv-id.ts';
import { Fault } from '../core/fault.ts';
import type { ConvId } from '../core/ids.ts';

/**
 * What strangers hear of a conversation that exists. Of a direct one not even that: whoever guesses two users can work
 * out its id, and would learn who talks to whom. It is refused as one that isn't there.
 */
export function strangerFault(convId: ConvId, field?: string): Fault {
  return isDirect(convId) ? notFoundFault(field) : notMemberFault(field);
}

export function notFoundFault(field?: string): Fault {
  return new Fault('conversationNotFound', { message: 'there is no such conversation', ...at(field) });
}

function notMemberFault(field?: string): Fault {
  return new Fault('notMember', { message: 'not a member of this conversation', ...at(field) });
}

function at(field: string | undefined): { readonly field?: string } {
  return field === undefined ? {} : { field };
}
