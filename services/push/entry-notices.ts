import type { CommittedEvent } from '../../gen/parley/node/v1/event_log_pb.ts';
import type { Courier } from './courier.ts';
import { entryWebhook } from './webhook.ts';

/**
 * Tells an endpoint of each entry of a kind that it wants to hear of; resolves when it has heard of all of them. The
 * courier gets all at once: with one after another, those of the next event would come between them.
 */
export async function tellOfEntries(courier: Courier, event: CommittedEvent): Promise<void> {
  const webhooks = event.entries.flatMap((entry) => {
    const webhook = entryWebhook(event, entry);
    return webhook !== undefined && courier.endpoint.types.has(webhook.type) ? [webhook] : [];
  });
  if (webhooks.length > 0) await courier.deliverAll(event.convId, webhooks);
}
