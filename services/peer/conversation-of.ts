import type { ConvId } from '../core/ids.ts';
import type { Operation } from './edge-frames.ts';

/** The conversation that an operation is about, whose owner is asked; undefined for those about the user. */
export function conversationOf(op: Operation): ConvId | undefined {
  if ('convId' in op) return op.convId;
  return 'groupId' in op ? op.groupId : undefined;
}
