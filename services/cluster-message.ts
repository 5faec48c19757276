import { systemClock } from './core/clock.ts';
import { Failpoints } from './core/failpoint.ts';
import type { Incarnation } from './core/incarnation.ts';
import { LeaseHolder } from './core/lease-holder.ts';
import type { Logger } from './core/log.ts';
import type { Tracer } from './core/tracer.ts';
import { Forwarder } from './message/forwarder.ts';
import { Joining } from './message/joining.ts';
import { MessageNode } from './message/message-node.ts';
import { Ownership } from './message/ownership.ts';
import { OutboxWork } from './message/relay/outbox-work.ts';
import type { OpenStore } from './open-store.ts';
import type { Config } from './options.ts';
import type { PeerCalls } from './peer/peer-calls.ts';
import type { EventLog } from './ports/event-log.ts';

export interface ClusterMessageParts {
  readonly config: Config;
  readonly log: Logger;
  readonly nodeId: string;
  readonly store: OpenStore;
  /** The name of this run, by which its store marks what it commits. */
  readonly incarnation: Incarnation;
  /** Undefined without Kafka: then nobody hears of events, and the outbox is there for forwarding alone. */
  readonly events: EventLog | undefined;
  /** What is asked of the other message nodes. */
  readonly peers: PeerCalls;
  readonly tracer: Tracer;
}

export interface ClusterMessage {
  readonly ids: LeaseHolder;
  readonly outbox: OutboxWork;
  readonly message: MessageNode;
  readonly joining: Joining;
  /** When this run began: of two runs of a node the later one counts. */
  readonly startedNo: number;
}

/** How long a message node remembers what it committed, for edges whose links are down. */
const recentMs = 30_000;
/**
 * How long a run is taken for alive without a word in the store; then others take over what it left there. Below the time
 * for which a new owner looks back by itself (`take-over.ts`), so that between them nothing is forgotten.
 */
const runLeaseMs = 5_000;
const renewEveryMs = 1_000;
/** How long a message node that joins waits for edges that do not link, before it owns its share. */
const joinMs = 2_500;

/** The message node of a process in a cluster, with its ids and its work on the outbox; none of them started. */
export async function clusterMessage(parts: ClusterMessageParts): Promise<ClusterMessage> {
  const { config, log, nodeId, store, incarnation, events, peers, tracer } = parts;
  const ids = await LeaseHolder.take({
    store,
    clock: systemClock,
    incarnation,
    leaseMs: runLeaseMs,
    renewEveryMs,
    onFailure: (error) => log.warn('the id lease was not renewed', { 'event.action': 'lease-failed' }, error),
  });
  // Runs are told apart by when they began; 51 bits of an id are time and worker.
  const startedNo = Number(ids.source.next() >> 12n);
  const ownership = new Ownership(nodeId);
  const forwarder = new Forwarder({
    nodeId,
    ownerOf: (convId) => ownership.ownerOf(convId),
    self: { forward: (spans) => message.peers.forward(spans) },
    others: peers,
  });
  const outbox = new OutboxWork({
    store,
    events,
    incarnation: () => incarnation.name,
    linked: () => message.linked,
    adopts: (batchId) => ownership.adopts(batchId),
    forward: (rows) => forwarder.forward(rows),
    clock: systemClock,
    random: Math.random,
    log,
  });
  // Whoever lives renews its lease in a third of it.
  const joining = new Joining({
    clock: systemClock,
    config: { leastMs: config.directory.leaseMs / 3, mostMs: joinMs },
  });
  const message: MessageNode = new MessageNode({
    config: config.message,
    store,
    devices: store.devices,
    ids: ids.source,
    clock: systemClock,
    incarnation: startedNo,
    log,
    recentMs,
    ownership,
    others: peers,
    joining,
    stallMs: config.directory.leaseMs,
    failpoints: Failpoints.parse(config.test.failpoints),
    relay: outbox.relay,
    tracer,
  });
  return { ids, outbox, message, joining, startedNo };
}
