import { randomUUID } from 'node:crypto';
import { Bridge } from '../bridge/bridge.ts';
import { ConnectServer } from './connect/connect-server.ts';
import { createUnaryTransport } from './connect/unary-transport.ts';
import { ConnectionNode } from './connection/connection-node.ts';
import { loadTokenSecrets } from './connection/token-secrets.ts';
import { Tokens } from './connection/token.ts';
import { systemClock } from './core/clock.ts';
import { checkReach } from './core/core-options.ts';
import { Failpoints } from './core/failpoint.ts';
import { Incarnation } from './core/incarnation.ts';
import type { UserId } from './core/ids.ts';
import { LeaseHolder } from './core/lease-holder.ts';
import { loadLinkTls } from './core/link-tls.ts';
import type { Logger } from './core/log.ts';
import { Meters } from './core/meters.ts';
import { QuietCollector } from './core/quiet-collector.ts';
import { type Service, startAll, type StopReason, stopAll } from './core/service.ts';
import { Telemetry } from './core/telemetry.ts';
import { GrpcDoor } from './grpc/grpc-door.ts';
import { GroupNode } from './group/group-node.ts';
import { MessageNode } from './message/message-node.ts';
import type { Relay } from './message/relay/relay.ts';
import { OutboxWork } from './message/relay/outbox-work.ts';
import { openDirectory, type OpenedDirectory } from './open-directory.ts';
import { openEventLog } from './open-events.ts';
import { configuredEndpoints, openPush } from './open-push.ts';
import { openStore, type OpenStore } from './open-store.ts';
import type { EventLog } from './ports/event-log.ts';
import type { MessageStore } from './ports/message-store.ts';
import type { Config } from './options.ts';
import { connectDirect } from './peer/direct-link.ts';
import type { EdgeFrame, OwnerFrame } from './peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from './peer/group-frames.ts';
import { groupsOf } from './push/push-node.ts';
import { registerOutboxMeters, registerPushMeters } from './register-push-meters.ts';
import {
  registerBridgeMeters,
  registerDirectoryMeters,
  registerNodeMeters,
  registerStoreMeters,
} from './register-meters.ts';

export interface EmbeddedServer {
  /** The ports as they are, where free ones were asked for; 0 for those that are not open. */
  readonly ports: {
    readonly http: number;
    readonly ws: number;
    readonly grpc: number;
    readonly node: number;
    readonly metrics: number;
  };
  stop(reason: StopReason): Promise<void>;
}

export interface EmbeddedParts {
  /** False where bridges are processes of their own. */
  readonly bridge: boolean;
}

const linkBytes = 256 * 1024 * 1024;

/**
 * The roles connection, message and group, push where webhooks are configured, and the bridge unless it is apart, in one
 * process.
 */
export async function startEmbedded(
  config: Config,
  log: Logger,
  parts: EmbeddedParts = { bridge: true },
): Promise<EmbeddedServer> {
  const { mode, host, dataDir } = config.core;
  checkReach(mode, { PARLEY_HOST: host, PARLEY_METRICS_HOST: config.telemetry.host });
  const secrets = await loadTokenSecrets({ mode, secrets: config.auth.secrets, dataDir });
  const tls = await loadLinkTls(config.linkTls);
  const endpoints = await configuredEndpoints(config);
  const incarnation = new Incarnation();
  await using stack = new AsyncDisposableStack();
  // The store's lock keeps a second process out of the data directory, the directory's file included. Where nobody is
  // told of commits, nothing is kept for nobody.
  const store = await openStore(config, log, { incarnation: endpoints.length > 0 ? incarnation : undefined });
  stack.defer(() => store.close());
  const opened = await openDirectory(config, log);
  stack.defer(() => opened.directory.close());
  const meters = new Meters();
  const telemetry = new Telemetry({ config: config.telemetry, meters, log });
  const tokens = new Tokens(secrets, systemClock);
  const events = endpoints.length > 0 ? openEventLog(config, log, groupsOf(endpoints)) : undefined;
  const outbox = events && outboxOf(store, events, incarnation, log);
  const nodes = await linkedNodes({ config, log, store, opened, tokens, incarnation, relay: outbox?.relay });
  const { connection } = nodes;
  const doors = { log, meters, sessions: connection, unary: connection };
  const grpc = new GrpcDoor({ ...doors, config: { ...config.grpc, mode, host } });
  const rpc = createUnaryTransport(connection);
  const bridge = parts.bridge
    ? new Bridge({ config: config.bridge, mode, host, log, sessions: connection, rpc })
    : undefined;
  // The private port is for bridges apart, and for whoever was given the cluster's token.
  const node =
    parts.bridge && config.node.clusterToken === ''
      ? undefined
      : new ConnectServer({ ...doors, config: config.node, tls, mode, nodeId: randomUUID() });
  registerNodeMeters(meters, nodes);
  registerStoreMeters(meters, store.meters);
  if (opened.meters !== undefined) registerDirectoryMeters(meters, opened.meters);
  if (bridge !== undefined) registerBridgeMeters(meters, bridge);
  // Push starts before the message node and stops after it, so that it hears of all that was committed.
  const services: Service[] = [new QuietCollector(), telemetry];
  if (events !== undefined && outbox !== undefined) {
    const { message } = nodes;
    const offline = {
      offline: async (users: readonly UserId[]) => users.filter((user) => !message.isOnline(user)),
    };
    const { push, deadLetters } = await openPush({ config, log, endpoints, events, store, offline });
    stack.defer(() => deadLetters.close());
    registerOutboxMeters(meters, { outbox, events });
    registerPushMeters(meters, { push, deadLetters });
    services.push(events, push, nodes.ids, outbox);
  } else services.push(nodes.ids);
  services.push(nodes.group, nodes.message, connection, grpc);
  for (const door of [node, bridge]) if (door !== undefined) services.push(door);
  await startAll(services);
  const left = stack.move();
  return {
    ports: {
      http: bridge?.httpPort ?? 0,
      ws: bridge?.wsPort ?? 0,
      grpc: grpc.address.port,
      node: node?.port ?? 0,
      metrics: telemetry.address.port,
    },
    stop: async (reason) => {
      await stopAll(services, reason, config.process.drainMs);
      await left.disposeAsync();
    },
  };
}

/** All edges are in this process, and begin anew when it does: what an earlier one left is published, no more. */
function outboxOf(store: OpenStore, events: EventLog, incarnation: Incarnation, log: Logger): OutboxWork {
  return new OutboxWork({
    store,
    events,
    incarnation: () => incarnation.name,
    linked: () => true,
    adopts: () => true,
    forward: async (rows) => new Set(rows.map(({ batchId }) => batchId)),
    clock: systemClock,
    random: Math.random,
    log,
    limits: { keepMs: 0 },
  });
}

/** The three nodes, joined by direct links. */
async function linkedNodes(parts: {
  readonly config: Config;
  readonly log: Logger;
  readonly store: MessageStore;
  readonly opened: OpenedDirectory;
  readonly tokens: Tokens;
  readonly incarnation: Incarnation;
  readonly relay: Relay | undefined;
}) {
  const { config, log, store, tokens, relay } = parts;
  const { directory } = parts.opened;
  const clock = systemClock;
  const { mode } = config.core;
  const ids = await LeaseHolder.take({
    store,
    clock,
    incarnation: parts.incarnation,
    onFailure: (error) => log.warn('the id lease was not renewed', { 'event.action': 'lease-failed' }, error),
  });
  // Runs are told apart by when they began; 51 bits of an id are time and worker.
  const incarnation = Number(ids.source.next() >> 12n);
  const failpoints = Failpoints.parse(config.test.failpoints);
  const message = new MessageNode({
    config: config.message,
    store,
    ids: ids.source,
    clock,
    incarnation,
    log,
    failpoints,
    relay,
  });
  const group = new GroupNode({ log });
  const connection = new ConnectionNode({
    config: config.connection,
    mode,
    clock,
    tokens,
    nodeId: randomUUID(),
    directory,
    log,
    random: Math.random,
    failpoints,
  });
  connectDirect<GroupRequestFrame, GroupDecisionFrame>({
    a: (link) => message.connectGroup(link),
    b: (link) => group.accept(link),
    limitBytes: linkBytes,
  });
  connectDirect<EdgeFrame, OwnerFrame>({
    a: (link) => connection.connectMessages(link, 'message', store.epoch),
    b: (link) => message.acceptEdge(link),
    limitBytes: linkBytes,
  });
  return { ids, message, group, connection };
}
