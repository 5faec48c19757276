import { randomUUID } from 'node:crypto';
import { Bridge } from '../bridge/bridge.ts';
import { ConnectServer } from './connect/connect-server.ts';
import { createUnaryTransport } from './connect/unary-transport.ts';
import { Authenticator } from './connection/auth.ts';
import { ConnectionNode } from './connection/connection-node.ts';
import { loadTokenSecrets } from './connection/token-secrets.ts';
import { Tokens } from './connection/token.ts';
import { systemClock } from './core/clock.ts';
import { checkReach } from './core/core-options.ts';
import { Failpoints } from './core/failpoint.ts';
import { LeaseHolder } from './core/lease-holder.ts';
import type { Logger } from './core/log.ts';
import { Meters } from './core/meters.ts';
import { QuietCollector } from './core/quiet-collector.ts';
import { type Service, startAll, type StopReason, stopAll } from './core/service.ts';
import { Telemetry } from './core/telemetry.ts';
import { GrpcDoor } from './grpc/grpc-door.ts';
import { GroupNode } from './group/group-node.ts';
import { MessageNode } from './message/message-node.ts';
import type { Relay } from './message/relay/relay.ts';
import { EmbeddedPush } from './open-push.ts';
import { openStore } from './open-store.ts';
import type { MessageStore } from './ports/message-store.ts';
import type { Config } from './options.ts';
import { connectDirect } from './peer/direct-link.ts';
import type { EdgeFrame, OwnerFrame } from './peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from './peer/group-frames.ts';
import { registerPushMeters } from './register-push-meters.ts';
import { registerBridgeMeters, registerNodeMeters, registerStoreMeters } from './register-meters.ts';

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
  const push = await EmbeddedPush.open(config, log);
  const store = await openStore(config, log);
  try {
    const meters = new Meters();
    const telemetry = new Telemetry({ config: config.telemetry, meters, log });
    const tokens = new Tokens(secrets, systemClock);
    const nodes = await linkedNodes({ config, log, store, tokens, relay: push?.relay });
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
        : new ConnectServer({ ...doors, config: config.node, mode, nodeId: randomUUID() });
    registerNodeMeters(meters, nodes);
    registerStoreMeters(meters, store.meters);
    if (bridge !== undefined) registerBridgeMeters(meters, bridge);
    // Push starts before the message node and stops after it, so that it hears of all that was committed.
    const services: Service[] = [new QuietCollector(), telemetry];
    if (push !== undefined) {
      const pushNode = push.node(store, nodes.message);
      registerPushMeters(meters, { ...push, push: pushNode });
      services.push(push.events, pushNode);
    }
    services.push(nodes.ids, nodes.group, nodes.message, connection, grpc);
    for (const door of [node, bridge]) if (door !== undefined) services.push(door);
    await startAll(services);
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
        await push?.deadLetters.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The three nodes, joined by direct links. */
async function linkedNodes(parts: {
  readonly config: Config;
  readonly log: Logger;
  readonly store: MessageStore;
  readonly tokens: Tokens;
  readonly relay: Relay | undefined;
}) {
  const { config, log, store, tokens, relay } = parts;
  const clock = systemClock;
  const { mode } = config.core;
  const ids = await LeaseHolder.take({
    store,
    clock,
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
    auth: new Authenticator({ mode, tokens, clock }),
    tokens,
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
