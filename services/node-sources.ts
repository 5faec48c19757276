import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import type {
  ConnectionFiguresSchema,
  MessageFiguresSchema,
  NodeFiguresSchema,
  QueueFiguresSchema,
} from '../gen/parley/chat/v1/cluster_pb.ts';
import type { LetterDesk } from './admin/letter-desk.ts';
import type { NodeSources } from './admin/node-desk.ts';
import type { ConnectionNode } from './connection/connection-node.ts';
import type { Mode } from './core/core-options.ts';
import type { ConvId } from './core/ids.ts';
import type { MessageNode } from './message/message-node.ts';
import type { OutboxWork } from './message/relay/outbox-work.ts';
import type { OpenStore } from './open-store.ts';
import type { LinkList } from './peer/link-list.ts';
import type { PushNode } from './push/push-node.ts';
import { version } from './version.ts';

/** What runs in this process, as far as it has been put together. */
export interface RunningParts {
  readonly nodeId: string;
  readonly mode: Mode;
  readonly roles: readonly string[];
  readonly directoryAvailable: () => boolean;
  readonly links?: LinkList;
  connection?: ConnectionNode;
  message?: MessageNode;
  store?: OpenStore;
  outbox?: OutboxWork;
  push?: PushNode;
  letters?: LetterDesk;
}

type Figures<Schema extends DescMessage> = MessageInitShape<Schema>;

/** What the parts of this process say to those who administer the cluster. */
export function nodeSources(running: RunningParts): NodeSources {
  return {
    figures: () => figuresOf(running),
    get sessions() {
      const { connection } = running;
      if (connection === undefined) return undefined;
      return {
        slow: (limit: number) => ({
          now: connection.slow.now().slice(0, limit),
          closed: connection.slow.closed.slice(0, limit),
        }),
        end: connection.endSessions.bind(connection),
      };
    },
    get conversations() {
      const { message, nodeId } = running;
      if (message === undefined) return undefined;
      return {
        hold: (convId: ConvId) => {
          const held = message.holds(convId);
          return held && { ...held, nodeId, headSeq: BigInt(held.headSeq), idleMs: whole(held.idleMs) };
        },
        hot: (limit: number) => message.rates.top(limit).map((hot) => ({ ...hot, nodeId })),
      };
    },
    get store() {
      return running.store;
    },
    get letters() {
      return running.letters;
    },
  };
}

function figuresOf(running: RunningParts): Figures<typeof NodeFiguresSchema> {
  const { nodeId, mode, roles, connection, message, store, links } = running;
  const { user, system } = process.cpuUsage();
  return {
    nodeId,
    roles: [...roles],
    version: version(),
    mode,
    startedAtMs: whole(performance.timeOrigin),
    nowMs: BigInt(Date.now()),
    residentBytes: BigInt(process.memoryUsage.rss()),
    processorMs: whole((user + system) / 1_000),
    storeEpoch: store?.epoch ?? connection?.epoch ?? '',
    owners: [...(message?.owners ?? connection?.owners ?? [])],
    directoryAvailable: running.directoryAvailable(),
    ...(connection && { connection: connectionFigures(connection) }),
    ...(message && { message: messageFigures(message, store) }),
    queues: queuesOf(running),
    links: (links?.list() ?? []).map((link) => ({ ...link, queuedBytes: whole(link.queuedBytes) })),
  };
}

function connectionFigures(connection: ConnectionNode): Figures<typeof ConnectionFiguresSchema> {
  const { meters } = connection;
  return {
    transports: [...meters.active].map(([transport, sessions]) => ({ transport, sessions })),
    users: connection.users,
    rooms: connection.rooms,
    slowSessions: connection.slow.now().length,
    deliveries: BigInt(meters.deliveries),
    refused: BigInt([...meters.refused.values()].reduce((sum, count) => sum + count, 0)),
  };
}

function messageFigures(
  message: MessageNode,
  store: OpenStore | undefined,
): Figures<typeof MessageFiguresSchema> {
  const { entries, batches, fenceLost } = message.meters;
  return {
    ownedConversations: message.ownedConversations,
    edges: message.edges,
    entries: BigInt(entries),
    batches: BigInt(batches),
    fencesLost: BigInt(fenceLost),
    storeAccepting: store?.meters.accepting === 1,
  };
}

function queuesOf({ connection, message, store, outbox, push }: RunningParts) {
  const queues: Figures<typeof QueueFiguresSchema>[] = [];
  if (message !== undefined)
    queues.push({ name: 'lanes', bytes: whole(message.queuedBytes), limit: whole(message.queueLimitBytes) });
  if (connection !== undefined) queues.push({ name: 'sessions', bytes: whole(connection.unackedBytes) });
  if (store !== undefined) {
    const { reads, readsWaiting, writes } = store.meters;
    queues.push({ name: 'store_reads', items: whole(reads + readsWaiting) });
    queues.push({ name: 'store_writes', items: whole(writes) });
  }
  if (outbox !== undefined) {
    const { relay, adopter } = outbox;
    queues.push({ name: 'relay', items: whole(relay.lag), bytes: whole(relay.waitingBytes) });
    queues.push({ name: 'outbox_held', items: whole(adopter.heldRows) });
  }
  for (const [group, consumer] of push?.consumers ?? [])
    queues.push({ name: `event_log_lag ${group}`, items: whole(consumer.meters.lag) });
  return queues;
}

function whole(value: number): bigint {
  return BigInt(Math.max(0, Math.round(value)));
}
