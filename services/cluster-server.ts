import { randomBytes, randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { Bridge } from '../bridge/bridge.ts';
import { checkCluster, ClusterLinks } from './cluster-links.ts';
import { assertPushable, ClusterResources } from './cluster-resources.ts';
import { clusterMessage } from './cluster-message.ts';
import { ConnectServer } from './connect/connect-server.ts';
import { createUnaryTransport } from './connect/unary-transport.ts';
import { ConnectionNode } from './connection/connection-node.ts';
import { loadTokenSecrets } from './connection/token-secrets.ts';
import { Tokens } from './connection/token.ts';
import { systemClock } from './core/clock.ts';
import { checkReach } from './core/core-options.ts';
import { Failpoints } from './core/failpoint.ts';
import { Incarnation } from './core/incarnation.ts';
import { type LinkTls, loadLinkTls } from './core/link-tls.ts';
import type { Logger } from './core/log.ts';
import { Meters } from './core/meters.ts';
import { QuietCollector } from './core/quiet-collector.ts';
import { type Service, startAll, type StopReason, stopAll } from './core/service.ts';
import { Telemetry } from './core/telemetry.ts';
import { GroupNode } from './group/group-node.ts';
import { GrpcDoor } from './grpc/grpc-door.ts';
import { LinkServer, type LinkServerParts } from './grpc/link-server.ts';
import type { Joining } from './message/joining.ts';
import type { MessageNode } from './message/message-node.ts';
import { openDirectory, type OpenedDirectory } from './open-directory.ts';
import { configuredEndpoints, openPush } from './open-push.ts';
import type { Config } from './options.ts';
import type { NodeRegistration } from './peer/node-registration.ts';
import type { NodeRole } from './ports/directory.ts';
import type { EventLog } from './ports/event-log.ts';
import {
  registerBridgeMeters,
  registerConnectionMeters,
  registerDirectoryMeters,
  registerGroupMeters,
  registerLinkMeters,
  registerMessageMeters,
  registerStoreMeters,
} from './register-meters.ts';
import { registerOutboxMeters, registerPushMeters } from './register-push-meters.ts';

export type ClusterRole = 'bridge' | 'connection' | 'message' | 'group' | 'push';

export interface ClusterServer {
  /** The ports as they are; 0 for those that are not open. */
  readonly ports: Readonly<Record<'http' | 'ws' | 'grpc' | 'node' | 'link' | 'metrics', number>>;
  stop(reason: StopReason): Promise<void>;
}

/** How long sessions outlive the last link to a message node. */
const aloneMs = 5_000;
const helloMs = 3_000;
/** Some roles of a cluster in one process: nodes find each other in Redis, and share a store on MySQL. */
export async function startClusterNode(
  config: Config,
  roles: ReadonlySet<ClusterRole>,
  log: Logger,
): Promise<ClusterServer> {
  checkReach(config.core.mode, { PARLEY_HOST: config.core.host, PARLEY_METRICS_HOST: config.telemetry.host });
  checkCluster(config, { storesMessages: roles.has('message') });
  const tls = await loadLinkTls(config.linkTls);
  const node = new ClusterNode({ config, log, tls, opened: await openDirectory(config, log) });
  try {
    if (roles.has('message')) await node.addMessage();
    if (roles.has('group')) node.addGroup();
    if (roles.has('push')) await node.addPush({ alone: roles.size === 1 });
    if (roles.has('connection')) await node.addConnection({ bridge: roles.has('bridge') });
    return await node.start();
  } catch (error) {
    await node.abandon();
    throw error;
  }
}

/** What runs in this process, put together before anything is started. */
class ClusterNode {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #tls: LinkTls | undefined;
  readonly #meters = new Meters();
  readonly #opened: OpenedDirectory;
  readonly #links: ClusterLinks;
  readonly #shared: ClusterResources;
  readonly #stack = new AsyncDisposableStack();
  readonly #services: Service[] = [new QuietCollector()];
  readonly #telemetry: Telemetry;
  /** When this process began; of two runs of a node the later one counts. */
  #incarnation = Date.now();
  /** Of the store, as the roles in this process have it; the message node's word is what others are told. */
  #epoch: () => string = () => '';
  #isSuperseded = false;
  #message: MessageNode | undefined;
  #joining: Joining | undefined;
  #accepts: Pick<LinkServerParts, 'acceptEdge' | 'acceptPeer' | 'acceptMessages'> = {};
  #linkServer: LinkServer | undefined;
  #grpc: GrpcDoor | undefined;
  #bridge: Bridge | undefined;
  #door: ConnectServer | undefined;
  /** What is announced once the ports are open. */
  readonly #roles: { readonly role: NodeRole; readonly joined: (node: NodeRegistration) => void }[] = [];

  constructor({
    config,
    log,
    tls,
    opened,
  }: {
    config: Config;
    log: Logger;
    tls: LinkTls | undefined;
    opened: OpenedDirectory;
  }) {
    const { directory, meters } = opened;
    this.#config = config;
    this.#log = log;
    this.#tls = tls;
    this.#opened = opened;
    this.#stack.defer(() => directory.close());
    this.#shared = this.#stack.use(new ClusterResources({ config, log, pages: directory.pages }));
    this.#links = this.#stack.use(
      new ClusterLinks({ config, leases: directory.nodes, tls, load: busy(), log }),
    );
    this.#telemetry = new Telemetry({ config: config.telemetry, meters: this.#meters, log });
    this.#services.push(this.#telemetry);
    if (meters !== undefined) registerDirectoryMeters(this.#meters, meters);
    registerLinkMeters(this.#meters, this.#links.counters);
  }

  async addMessage(): Promise<void> {
    const config = this.#config;
    const log = this.#log;
    const incarnation = new Incarnation();
    const store = await this.#shared.store(incarnation);
    const events = this.#shared.events();
    if (events === undefined)
      log.warn('nobody is told of events: PARLEY_KAFKA_BROKERS is not set', {
        'event.action': 'events-off',
      });
    const { nodeId } = this.#links;
    const parts = { config, log, nodeId, store, incarnation, events, peers: this.#shared.peers };
    const { ids, outbox, message, joining, startedNo } = await clusterMessage(parts);
    this.#incarnation = startedNo;
    this.#epoch = () => store.epoch;
    this.#message = message;
    this.#joining = joining;
    this.#stack.defer(() => joining.stop());
    registerMessageMeters(this.#meters, message);
    registerStoreMeters(this.#meters, store.meters);
    registerOutboxMeters(this.#meters, { outbox, events });
    this.#serve(ids, events, outbox, message);
    this.#accepts = {
      ...this.#accepts,
      acceptEdge: (link, peer) => message.acceptEdge(link, peer.nodeId, peer.storeEpoch),
      acceptPeer: (link) => message.peers.accept(link),
    };
    this.#shared.linkPeers(this.#links, () => this.#hello());
    this.#links.watchAll('connection', (edges, known) => {
      if (known) message.seeEdges(edges);
    });
    this.#links.linkGroups(
      () => this.#hello(),
      (link, peer) => message.connectGroup(link, peer.nodeId),
    );
    // While nobody can say who lives, edges decide whom they ask: the store fences.
    this.#links.watchReady('message', (ready, known) => message.see(known ? ready : undefined));
    this.#roles.push({
      role: 'message',
      // Edges dial a node that joins; it owns nothing before they have told it of their sessions.
      joined: (node) => joining.start(() => void node.update('ready')),
    });
  }

  /** Where no webhooks are configured there is nobody to tell: then push is nothing, unless it is all there is. */
  async addPush({ alone }: { readonly alone: boolean }): Promise<void> {
    const config = this.#config;
    const endpoints = await configuredEndpoints(config);
    if (endpoints.length === 0 && !alone) return;
    assertPushable(config, endpoints);
    const events = this.#shared.events() as EventLog;
    const store = await this.#shared.store();
    this.#shared.linkPeers(this.#links, () => this.#hello());
    const offline = this.#shared.offline(this.#message);
    const parts = { config, log: this.#log, endpoints, events, store, offline };
    const { push, deadLetters } = await openPush(parts);
    this.#stack.defer(() => deadLetters.close());
    registerPushMeters(this.#meters, { push, deadLetters });
    this.#serve(events, push);
    this.#roles.push({ role: 'push', joined: (node) => void node.update('ready') });
  }

  addGroup(): void {
    const group = new GroupNode({ log: this.#log });
    registerGroupMeters(this.#meters, group);
    this.#services.push(group);
    this.#accepts = { ...this.#accepts, acceptMessages: (link) => group.accept(link) };
    this.#roles.push({ role: 'group', joined: (node) => void node.update('ready') });
  }

  async addConnection({ bridge }: { readonly bridge: boolean }): Promise<void> {
    const config = this.#config;
    const log = this.#log;
    const { mode, host, dataDir } = config.core;
    const secrets = await loadTokenSecrets({ mode, secrets: config.auth.secrets, dataDir });
    const tokens = new Tokens(secrets, systemClock);
    const connection = new ConnectionNode({
      config: config.connection,
      mode,
      clock: systemClock,
      tokens,
      // Sessions of an earlier run of this node are not this one's.
      nodeId: `${this.#links.nodeId.slice(0, 40)}-${randomBytes(6).toString('hex')}`,
      directory: this.#opened.directory,
      log,
      random: Math.random,
      aloneMs,
      failpoints: Failpoints.parse(config.test.failpoints),
    });
    registerConnectionMeters(this.#meters, connection);
    this.#links.linkMessages(
      () => this.#links.hello(this.#incarnation, connection.epoch),
      (link, peer) => connection.connectMessages(link, peer.nodeId, peer.storeEpoch),
    );
    // Where the directory can't be read, links alone tell who can be asked.
    this.#links.watchReady('message', (ready, known) => connection.see(known ? ready : undefined));
    const doors = { log, meters: this.#meters, sessions: connection, unary: connection };
    this.#grpc = new GrpcDoor({ ...doors, config: { ...config.grpc, mode, host } });
    if (bridge) {
      const rpc = createUnaryTransport(connection);
      this.#bridge = new Bridge({ config: config.bridge, mode, host, log, sessions: connection, rpc });
      registerBridgeMeters(this.#meters, this.#bridge);
    }
    // For bridges apart, and for services.
    if (!bridge || config.node.clusterToken !== '')
      this.#door = new ConnectServer({
        ...doors,
        config: config.node,
        tls: this.#tls,
        mode,
        nodeId: randomUUID(),
      });
    this.#services.push(connection, this.#grpc);
    for (const door of [this.#door, this.#bridge]) if (door !== undefined) this.#services.push(door);
    this.#roles.push({ role: 'connection', joined: (node) => void node.update('ready') });
  }

  async start(): Promise<ClusterServer> {
    const { linkHost, linkPort, linkAddress, linkQueueBytes } = this.#config.cluster;
    if (this.#accepts.acceptEdge !== undefined || this.#accepts.acceptMessages !== undefined) {
      this.#linkServer = new LinkServer({
        host: linkHost,
        port: linkPort,
        tls: this.#tls,
        hello: () => this.#hello(),
        log: this.#log,
        limitBytes: linkQueueBytes,
        helloMs,
        counters: this.#links.counters,
        ...this.#accepts,
      });
      this.#services.push(this.#linkServer);
    }
    await startAll(this.#services);
    const address = linkAddress === '' ? `${linkHost}:${this.#linkServer?.port ?? 0}` : linkAddress;
    for (const { role, joined } of this.#roles)
      joined(
        await this.#links.announce({ role, incarnation: this.#incarnation, address, state: 'joining' }, () =>
          this.#superseded(role),
        ),
      );
    await this.#links.start();
    return {
      ports: {
        http: this.#bridge?.httpPort ?? 0,
        ws: this.#bridge?.wsPort ?? 0,
        grpc: this.#grpc?.address.port ?? 0,
        node: this.#door?.port ?? 0,
        link: this.#linkServer?.port ?? 0,
        metrics: this.#telemetry.address.port,
      },
      stop: async (reason) => {
        // It may go before it has come.
        this.#joining?.stop();
        if (reason === 'signal') {
          // The others, and this node itself, see it with their next look at the directory.
          await this.#links.draining();
          await new Promise((resolve) => setTimeout(resolve, this.#config.directory.leaseMs / 2));
        }
        await stopAll(this.#services, reason, this.#config.process.drainMs);
        await this.#links.leave();
        await this.abandon();
      },
    };
  }

  abandon(): Promise<void> {
    return this.#stack.disposeAsync();
  }

  /** In this order, each once. */
  #serve(...services: readonly (Service | undefined)[]): void {
    for (const service of services)
      if (service !== undefined && !this.#services.includes(service)) this.#services.push(service);
  }

  #hello() {
    return this.#links.hello(this.#incarnation, this.#epoch());
  }

  /** A later run of this node has its name: one of the two must go, and it is this one. */
  #superseded(role: NodeRole): void {
    // A second signal would end the process at once.
    if (this.#isSuperseded) return;
    this.#isSuperseded = true;
    this.#log.error('another run of this node has taken its place', {
      'event.action': 'node-superseded',
      'parley.node.role': role,
      'parley.node.id': this.#links.nodeId,
    });
    process.kill(process.pid, 'SIGTERM');
  }
}

/** How busy this process is: the share of the time since the last answer that its event loop worked. */
function busy(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}
