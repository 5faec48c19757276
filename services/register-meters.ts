import type { Bridge } from '../bridge/bridge.ts';
import type { RedisMeters } from './adapters/redis/meters.ts';
import { type BackupMeters, backupResults } from './archive/backup-meters.ts';
import type { ConnectionNode } from './connection/connection-node.ts';
import { faults } from './core/fault.ts';
import type { LeaseHolder } from './core/lease-holder.ts';
import {
  batchBuckets,
  latencyBuckets,
  type LabelledValues,
  type Meters,
  sendQueueDoc,
} from './core/meters.ts';
import type { GroupNode } from './group/group-node.ts';
import type { Readiness } from './core/readiness.ts';
import type { MessageNode } from './message/message-node.ts';
import type { NodeAdministration } from './node-administration.ts';
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

/**
 * With a zero for each reason that there is: what Prometheus sees for the first time with a value has not grown by it, and
 * the first of its kind would never show.
 */
function byReason(counts: ReadonlyMap<string, number>): LabelledValues {
  const zeros = Object.keys(faults).map((reason) => [reason, 0] as const);
  return labelled(new Map([...zeros, ...counts]), 'reason');
}

/** Says which roles this process has: whoever counts them sees that one is gone. */
export function registerRoles(meters: Meters, readiness: Readiness, ...roles: readonly string[]): void {
  meters.gauge(
    'chat_ready',
    '1 while this process is of use to users, as /readyz says; 0 while it starts, drains, or reaches no node that it needs.',
    () => (readiness.state === 'ready' ? 1 : 0),
  );
  meters.gauge(
    'chat_node_role',
    '1 for each role of this process.',
    () => roles.map((role) => [{ role }, 1] as const),
    'role',
  );
}

/** Gives what a bridge counts its names. */
export function registerBridgeMeters(meters: Meters, bridge: Bridge): void {
  const { counters } = bridge;
  const by = (label: string, counts: Readonly<Record<string, number>>) => () =>
    labelled(Object.entries(counts), label);
  meters.gauge('chat_sockets_open', 'Open WebSockets.', by('dialect', counters.socketsOpen), 'dialect');
  meters.total(
    'chat_sockets_opened_total',
    'WebSockets opened.',
    by('dialect', counters.socketsOpened),
    'dialect',
  );
  meters.total(
    'chat_bridge_refusals_total',
    'Handshakes turned away.',
    by('reason', counters.refused),
    'reason',
  );
  meters.total(
    'chat_malformed_frames_total',
    'Frames not understood.',
    by('dialect', counters.malformedFrames),
    'dialect',
  );
  meters.total(
    'chat_bridge_frames_refused_total',
    'Frames refused at the bridge.',
    () => labelled(counters.refusedFrames, 'reason'),
    'reason',
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
  meters.gauge('chat_send_queue_bytes', sendQueueDoc, () => [[{ hop: 'socket' }, bridge.unsentBytes]], 'hop');
  meters.total('chat_http_requests_total', 'HTTP requests.', () => counters.httpRequests);
  meters.total('chat_http_errors_total', 'HTTP requests refused.', () => counters.httpErrors);
}

/** Gives what a server counts of its backups their names. */
export function registerBackupMeters(meters: Meters, backups: BackupMeters): void {
  meters.total(
    'chat_backups_total',
    'Backups asked for, by what became of them.',
    () => backupResults.map((result) => [{ result }, backups.results.get(result) ?? 0]),
    'result',
  );
  meters.total('chat_backup_bytes_total', 'Bytes of backups handed out.', () => backups.bytes);
  meters.gauge(
    'chat_backup_last_kept_seconds',
    'When the last backup was on a disk, in seconds since 1970; 0 for none since the start.',
    () => backups.lastKeptAtSeconds,
  );
}

/** Gives what the nodes count its names. */
export function registerNodeMeters(meters: Meters, { message, group, connection }: Nodes): void {
  registerGroupMeters(meters, group);
  registerMessageMeters(meters, message);
  registerConnectionMeters(meters, connection);
}

/** Gives what the holder of the id lease counts its names. */
export function registerLeaseMeters(meters: Meters, ids: LeaseHolder): void {
  meters.gauge(
    'chat_worker_lease_seconds',
    'Time for which ids may still be drawn without a word of the store; below 0 none are.',
    () => ids.leftMs / 1_000,
  );
  meters.total(
    'chat_worker_lease_failures_total',
    'Renewals of the id lease that failed, and are made again.',
    () => ids.failures,
  );
}

export function registerGroupMeters(meters: Meters, group: GroupNode): void {
  meters.total(
    'chat_group_decisions_total',
    'Changes of groups decided.',
    () => labelled(group.meters.decided, 'change'),
    'change',
  );
  meters.total(
    'chat_group_refusals_total',
    'Changes of groups refused.',
    () => labelled(group.meters.refused, 'reason'),
    'reason',
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
  meters.total('chat_link_frames_out_total', 'Frames sent over links.', by('framesOut'), 'link');
  meters.total('chat_link_frames_in_total', 'Frames that came over links.', by('framesIn'), 'link');
  meters.total(
    'chat_link_messages_out_total',
    'Messages that carried frames out.',
    by('messagesOut'),
    'link',
  );
  meters.total('chat_link_out_bytes_total', 'Bytes sent over links.', by('bytesOut'), 'link');
  meters.total('chat_link_in_bytes_total', 'Bytes that came over links.', by('bytesIn'), 'link');
  const hop = () => Object.values(counters).reduce((sum, { queuedBytes }) => sum + queuedBytes, 0);
  meters.gauge('chat_send_queue_bytes', sendQueueDoc, () => [[{ hop: 'link' }, hop()]], 'hop');
  meters.total('chat_link_full_total', 'Frames that found the queue of their link full.', by('full'), 'link');
  meters.gauge('chat_links_open', 'Links to other processes that are open.', by('open'), 'link');
  meters.total('chat_links_lost_total', 'Links that were open and went down.', by('lost'), 'link');
}

export function registerMessageMeters(meters: Meters, message: MessageNode): void {
  meters.total(
    'chat_messages_processed_total',
    'Commands that message nodes took in hand, refused ones included; `send` are the messages.',
    () => labelled(message.meters.processed, 'type'),
    'type',
  );
  meters.total(
    'chat_message_refusals_total',
    'Commands that message nodes refused.',
    () => message.meters.refused,
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
  meters.total(
    'chat_entries_lost_total',
    'Confirmed entries of hot conversations that a restored store does not have any more.',
    () => message.meters.entriesLost,
  );
  meters.total('chat_entries_committed_total', 'Entries committed.', () => message.meters.entries);
  meters.gauge('chat_conversations_hot', 'Conversations held in memory.', () => message.hotConversations);
  meters.gauge(
    'chat_send_queue_bytes',
    sendQueueDoc,
    () => [[{ hop: 'commit' }, message.queuedBytes]],
    'hop',
  );
  const batches = meters.histogram('chat_commit_batch_entries', 'Entries in one commit.', batchBuckets);
  message.meters.onBatch = (entries) => batches.record(entries);
}

export function registerConnectionMeters(meters: Meters, connection: ConnectionNode): void {
  meters.total(
    'chat_sends_total',
    'Sends answered: acknowledged, refused for something that the client did, failed for something that the server did.',
    () => labelled(Object.entries(connection.meters.sends), 'result'),
    'result',
  );
  meters.gauge(
    'chat_connections_active',
    'Open sessions.',
    () => labelled(connection.meters.active, 'transport'),
    'transport',
  );
  meters.total(
    'chat_commands_refused_total',
    'Commands and calls refused, as clients were told.',
    () => byReason(connection.meters.refused),
    'reason',
  );
  meters.total(
    'chat_sessions_closed_total',
    'Sessions closed by the server.',
    () => byReason(connection.meters.closed),
    'reason',
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
  const send = meters.histogram(
    'chat_send_latency_seconds',
    'From a send, by session or by call, to its acknowledgement. Refused ones are not in it.',
    latencyBuckets,
  );
  connection.meters.onSendSeconds = (seconds) => send.record(seconds);
  const delivery = meters.histogram(
    'chat_delivery_latency_seconds',
    'From accepting an entry to handing it to the sockets, once for each edge that has somebody to give it to.',
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
  meters.gauge(
    'chat_store_calls',
    'Calls that the store has in hand, or that wait for it.',
    () => [
      [{ kind: 'read' }, store.reads],
      [{ kind: 'read_waiting' }, store.readsWaiting],
      [{ kind: 'write' }, store.writes],
    ],
    'kind',
  );
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

/** Gives what the audit log counts its names. */
export function registerAdminMeters(meters: Meters, admin: NodeAdministration): void {
  meters.total(
    'chat_audit_trimmed_total',
    'Records of the audit log that went because they were too old, or too many.',
    () => admin.trimmed,
  );
  meters.total(
    'chat_audit_ends_lost_total',
    'Administrative acts whose end could not be recorded.',
    () => admin.trail.lost,
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
  meters.total(
    'chat_directory_failures_total',
    'Commands to Redis that failed.',
    () => [
      [{ reason: 'timeout' }, directory.timeouts],
      [{ reason: 'refused' }, directory.refused],
      [{ reason: 'error' }, directory.failures - directory.timeouts],
    ],
    'reason',
  );
  meters.total(
    'chat_directory_pages_total',
    'Pages asked of the shared cache, and those not put into it.',
    () => [
      [{ result: 'hit' }, directory.pageHits],
      [{ result: 'miss' }, directory.pageMisses],
      [{ result: 'dropped' }, directory.pagesDropped],
    ],
    'result',
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
