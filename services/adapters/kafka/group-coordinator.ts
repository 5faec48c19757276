import type { Consumer } from '@platformatic/kafka';
import { isProtocolError } from './kafka-client.ts';

/** The broker that keeps the book of a group, as far as a member's client knows it. */

class CoordinatorGone extends Error {
  override name = 'CoordinatorGone';
}

/**
 * Rejects with `CoordinatorGone` where the coordinator is no broker of the cluster any more: asked for such a one, the
 * library throws where nobody can catch it.
 */
export async function assertCoordinated(consumer: Consumer, topic: string): Promise<void> {
  const { coordinatorId } = consumer;
  if (coordinatorId === null) return;
  const { brokers } = await consumer.metadata({ topics: [topic] });
  if (!brokers.has(coordinatorId))
    throw new CoordinatorGone(`broker ${coordinatorId} is no longer in the cluster`);
}

/** Whether a group is to be asked for at another broker. */
export function isLostCoordinator(error: unknown): boolean {
  return error instanceof CoordinatorGone || isProtocolError(error, 'NOT_COORDINATOR');
}
