import type { Bridge } from '../bridge/bridge.ts';
import type { RedisMeters } from './adapters/redis/meters.ts';
import type { ConnectionNode } from './connection/connection-node.ts';
import { batchBuckets, latencyBuckets, type LabelledValues, type Meters } from './core/meters.ts';
import type { GroupNode } from './group/group-node.ts';
import type { MessageNode } from './message/message-node.ts';
import type { StoreCounters } from './open-store.ts';
import type { LinkCounters } from './peer/stream-link.ts';

interface Nodes {
  readonly message: MessageNode;
  readonly group: GroupNode;
  readonly connection: ConnectionNode;
}

function labelled(counts: Iterable<readonly [string, number]>, label: string): LabelledValues {
  return [...counts].map(([value, n]) => [{ [label]: value }, n] as const);
}

/** Gives what a bridge counts its names. */
export function registerBridgeMeters(meters: Meters, { counters }: Bridge): void {
  const by = (label: string, counts: Readonly<Record<string, number>>) => () =>
    labelled(Object.entries(counts), label);
  meters.gauge('chat_sockets_open', 'Open WebSockets.', by('dialect', counters.socketsOpen));
  meters.total('chat_sockets_opened_total', 'WebSockets opened.', by('dialect', counters.socketsOpened));
  meters.total('chat_bridge_refusals_total', 'Handshakes turned away.', by('reason', counters.refused));
  meters.total(
    'chat_malformed_frames_total',
    'Frames not understood.',
    by('dialect', counters.malformedFrames),
  );
  meters.total('chat_bridge_frames_refused_total', 'Frames refused at the bridge.', () =>
    labelled(counters.refusedFrames, 'reason'),
  );
  meters.total(
    'chat_bridge_slow_consumers_total',
    'Sockets cut off because they do not read.',
    () => counters.slowConsumers,
  );
  meters.total(
    'chat_bridge_throttled_total',
    'Times that a socket was read no further for a while because it sent too fast.',
    () => counters.throttled,
  );
  meters.total('chat_bridge_in_bytes_total', 'Bytes of frames read.', () => counters.bytesIn);
  meters.total('chat_bridge_out_bytes_total', 'Bytes of frames written.', () => counters.bytesOut);
  meters.total('chat_bridge_writes_total', 'Socket writes.', () => counters.writes);
  meters.total('chat_bridge_pauses_total', 'Sockets paused because they do not read.', () => counters.pauses);
  meters.total('chat_http_requests_total', 'HTTP requests.', () => counters.httpRequests);
  meters.total('chat_http_errors_total', 'HTTP requests refused.', () => counters.httpErrors);
}

/** Gives what the nodes count its names. */
export function registerNodeMeters(meters: Meters, { message, group, connection }: Nodes): void {
  registerGroupMeters(meters, group);
  registerMessageMeters(meters, message);
  registerConnectionMeters(meters, connection);
}

export function registerGroupMeters(meters: Meters, group: GroupNode): void {
  meters.total('chat_group_decisions_total', 'Changes of groups decided.', () =>
    labelled(group.meters.decided, 'change'),
  );
}

/** Gives what links between processes count its names. */
export function registerLinkMeters(
  meters: Meters,
  counters: Readonly<Record<'owner' | 'group' | 'peer', LinkCounters>>,
): void {
  const by = (count: keyof LinkCounters) => () =>
    labelled(
      Object.entries(counters).map(([link, counted]) => [link, counted[count]] as const),
      'link',
    );
  meters.total('chat_link_frames_out_total', 'Frames sent over links.', by('framesOut'));
  meters.total('chat_link_frames_in_total', 'Frames that came over links.', by('framesIn'));
  meters.total('chat_link_messages_out_total', 'Messages that carried frames out.', by('messagesOut'));
  meters.total('chat_link_out_bytes_total', 'Bytes sent over links.', by('bytesOut'));
  meters.total('chat_link_in_bytes_total', 'Bytes that came over links.', by('bytesIn'));
  meters.total('chat_link_full_total', 'Frames that found the queue of their link full.', by('full'));
}

export function registerMessageMeters(meters: Meters, message: MessageNode): void {
  meters.total('chat_messages_processed_total', 'Commands that message nodes carried out.', () =>
    labelled(message.meters.processed, 'type'),
  );
  meters.total('chat_fence_lost_total', 'Writes lost to another owner.', () => message.meters.fenceLost);
  meters.total(
    'chat_commands_handed_on_total',
    'Commands that another message node was asked to carry out.',
    () => message.meters.handedOn,
  );
  meters.total(
    'chat_store_resets_total',
    'Times that the store turned out to be restored.',
    () => message.meters.resets,
  );
  meters.total('chat_entries_committed_total', 'Entries committed.', () => message.meters.entries);
  meters.gauge('chat_conversations_hot', 'Conversations held in memory.', () => message.hotConversations);
  meters.gauge(
    'chat_send_queue_bytes',
    'Bytes of commands that wait for a commit.',
    () => message.queuedBytes,
  );
  const batches = meters.histogram('chat_commit_batch_entries', 'Entries in one commit.', batchBuckets);
  message.meters.onBatch = (entries) => batches.record(entries);
}

export function registerConnectionMeters(meters: Meters, connection: ConnectionNode): void {
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
  meters.total(
    'chat_revocations_unchecked_total',
    'Sign-ins and calls let pass although the directory could not say whether their token was revoked.',
    () => connection.meters.revocationsUnchecked,
  );
  meters.total(
    'chat_session_announcements_failed_total',
    'Attempts to tell the directory of sessions that failed, and are made again.',
    () => connection.meters.announcementsFailed,
  );
  meters.total(
    'chat_sessions_lapsing_total',
    'Ended sessions that the directory was not told of.',
    () => connection.meters.sessionsLapsing,
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

/** Gives what the store counts its names. */
export function registerStoreMeters(meters: Meters, store: StoreCounters): void {
  meters.gauge(
    'chat_store_accepting',
    '1 while the store takes commits, 0 while it refuses them.',
    () => store.accepting,
  );
  meters.gauge('chat_store_calls', 'Calls that the store has in hand, or that wait for it.', () => [
    [{ kind: 'read' }, store.reads],
    [{ kind: 'read_waiting' }, store.readsWaiting],
    [{ kind: 'write' }, store.writes],
  ]);
  meters.total(
    'chat_store_overloads_total',
    'Calls refused because a queue was full.',
    () => store.overloads,
  );
  meters.total(
    'chat_store_failed_writes_total',
    'Writes that failed for want of a store that takes them.',
    () => store.failedWrites,
  );
  meters.total(
    'chat_store_unsound_pages_total',
    'Pages in the shared cache that were not what they said, and were read from the store.',
    () => store.unsoundPages?.() ?? 0,
  );
}

/** Gives what the directory on Redis counts its names. */
export function registerDirectoryMeters(meters: Meters, directory: RedisMeters): void {
  meters.gauge('chat_directory_available', '1 while Redis is within reach.', () => directory.available);
  meters.gauge('chat_directory_pending', 'Commands that wait for Redis.', () => directory.pending);
  meters.total(
    'chat_directory_connects_total',
    'Times that Redis came within reach.',
    () => directory.connects,
  );
  meters.total('chat_directory_commands_total', 'Commands to Redis.', () => directory.commands);
  meters.total('chat_directory_failures_total', 'Commands to Redis that failed.', () => [
    [{ reason: 'timeout' }, directory.timeouts],
    [{ reason: 'refused' }, directory.refused],
    [{ reason: 'error' }, directory.failures - directory.timeouts],
  ]);
  meters.total(
    'chat_directory_pages_total',
    'Pages asked of the shared cache, and those not put into it.',
    () => [
      [{ result: 'hit' }, directory.pageHits],
      [{ result: 'miss' }, directory.pageMisses],
      [{ result: 'dropped' }, directory.pagesDropped],
    ],
  );
  meters.total(
    'chat_directory_rates_unchecked_total',
    'Limits let pass because Redis was out of reach.',
    () => directory.ratesUnchecked,
  );
  meters.total(
    'chat_directory_malformed_total',
    'Values in Redis that nobody of us wrote.',
    () => directory.malformed,
  );
}
