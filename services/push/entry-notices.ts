import type { CommittedEvent } from '../../gen/parley/node/v1/event_log_pb.ts';
import type { Courier } from './courier.ts';
import { entryWebhook } from './webhook.ts';

/** Tells an endpoint of each entry of a kind that it wants to hear of; resolves when it has heard of all of them. */
export async function tellOfEntries(courier: Courier, event: CommittedEvent): Promise<void> {
  for (const entry of event.entries) {
    const webhook = entryWebhook(event, entry);
    if (webhook !== undefined && courier.endpoint.types.has(webhook.type)) await courier.deliver(webhook);
  }
}
