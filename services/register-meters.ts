import type { Bridge } from '../bridge/bridge.ts';
import type { ConnectionNode } from './connection/connection-node.ts';
import { batchBuckets, latencyBuckets, type LabelledValues, type Meters } from './core/meters.ts';
import type { GroupNode } from './group/group-node.ts';
import type { MessageNode } from './message/message-node.ts';

interface Nodes {
  readonly message: MessageNode;
  readonly group: GroupNode;
  readonly connection: ConnectionNode;
  readonly bridge: Bridge;
}

/** Gives what the nodes count its names. */
export function registerMeters(meters: Meters, { message, connection }: Nodes): void {
  const labelled = (counts: ReadonlyMap<string, number>, label: string): LabelledValues =>
    [...counts].map(([value, n]) => [{ [label]: value }, n] as const);
  meters.total('chat_messages_processed_total', 'Commands that message nodes carried out.', () =>
    labelled(message.meters.processed, 'type'),
  );
  meters.total('chat_fence_lost_total', 'Writes lost to another owner.', () => message.meters.fenceLost);
  meters.total('chat_entries_committed_total', 'Entries committed.', () => message.meters.entries);
  meters.gauge('chat_conversations_hot', 'Conversations held in memory.', () => message.hotConversations);
  meters.gauge(
    'chat_send_queue_bytes',
    'Bytes of commands that wait for a commit.',
    () => message.queuedBytes,
  );
  const batches = meters.histogram('chat_commit_batch_entries', 'Entries in one commit.', batchBuckets);
  message.meters.onBatch = (entries) => batches.record(entries);

  meters.gauge('chat_connections_active', 'Open sessions.', () =>
    labelled(connection.meters.active, 'transport'),
  );
  meters.total('chat_commands_refused_total', 'Commands refused.', () =>
    labelled(connection.meters.refused, 'reason'),
  );
  meters.total('chat_sessions_closed_total', 'Sessions closed by the server.', () =>
    labelled(connection.meters.closed, 'reason'),
  );
  meters.total('chat_deliveries_total', 'Entries pushed to sessions.', () => connection.meters.deliveries);
  meters.total('chat_redeliveries_total', 'Gaps announced again.', () => connection.meters.redeliveries);
  meters.total(
    'chat_slow_consumers_total',
    'Sessions over their window.',
    () => connection.meters.slowConsumers,
  );
  const send = meters.histogram('chat_send_latency_seconds', 'From a send to its answer.', latencyBuckets);
  connection.meters.onSendSeconds = (seconds) => send.record(seconds);
  const delivery = meters.histogram(
    'chat_delivery_latency_seconds',
    'From accepting an entry to handing it to the sockets.',
    latencyBuckets,
  );
  connection.meters.onDeliverySeconds = (seconds) => delivery.record(seconds);
}
