import type { ConvId } from '../core/ids.ts';
import { conversationOf } from './conversation-of.ts';
import type { Operation } from './edge-frames.ts';

/**
 * The conversation to whose owner a message node may hand the operation on; undefined: it is refused instead. What is
 * about a user is answered by whoever is asked. Sends of a session promise an order that only their edge can keep: it
 * passes them to the next owner when the former one has answered all of them.
 */
export function handedOn(op: Operation): ConvId | undefined {
  return op.t === 'send' && op.chain > 0 ? undefined : conversationOf(op);
}
