import { randomUUID } from 'node:crypto';
import { Bridge } from '../bridge/bridge.ts';
import { ClusterLinks } from './cluster-links.ts';
import { ConnectServer } from './connect/connect-server.ts';
import { createUnaryTransport } from './connect/unary-transport.ts';
import { Authenticator } from './connection/auth.ts';
import { ConnectionNode } from './connection/connection-node.ts';
import { loadTokenSecrets } from './connection/token-secrets.ts';
import { Tokens } from './connection/token.ts';
import { systemClock } from './core/clock.ts';
import { ConfigError } from './core/config.ts';
import { checkReach } from './core/core-options.ts';
import { Failpoints } from './core/failpoint.ts';
import { LeaseHolder } from './core/lease-holder.ts';
import type { Logger } from './core/log.ts';
import { Meters } from './core/meters.ts';
import { QuietCollector } from './core/quiet-collector.ts';
import { type Service, startAll, type StopReason, stopAll } from './core/service.ts';
import { Telemetry } from './core/telemetry.ts';
import { GroupNode } from './group/group-node.ts';
import { GrpcDoor } from './grpc/grpc-door.ts';
import { LinkServer, type LinkServerParts } from './grpc/link-server.ts';
import { MessageNode } from './message/message-node.ts';
import { Ownership } from './message/ownership.ts';
import { openStore } from './open-store.ts';
import type { Config } from './options.ts';
import type { Announcement, NodeRole } from './ports/node-directory.ts';
import {
  registerBridgeMeters,
  registerConnectionMeters,
  registerGroupMeters,
  registerLinkMeters,
  registerMessageMeters,
  registerStoreMeters,
} from './register-meters.ts';

export type ClusterRole = 'bridge' | 'connection' | 'message' | 'group';

export interface ClusterServer {
  /** The ports as they are; 0 for those that are not open. */
  readonly ports: Readonly<Record<'http' | 'ws' | 'grpc' | 'node' | 'link' | 'metrics', number>>;
  stop(reason: StopReason): Promise<void>;
}

/** How long a message node remembers what it committed, for edges whose links are down. */
const recentMs = 30_000;
/** How long sessions outlive the last link to a message node. */
const aloneMs = 5_000;
/** How long a message node that joins waits for the edges that it knows of. */
const joinMs = 1_000;
const helloMs = 3_000;

/** Some roles of a cluster in one process: nodes find each other in Redis, and share a store on MySQL. */
export async function startClusterNode(
  config: Config,
  roles: ReadonlySet<ClusterRole>,
  log: Logger,
): Promise<ClusterServer> {
  checkReach(config.core.mode, { PARLEY_HOST: config.core.host, PARLEY_METRICS_HOST: config.telemetry.host });
  const node = new ClusterNode(config, log);
  try {
    if (roles.has('message')) await node.addMessage();
    if (roles.has('group')) node.addGroup();
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
  readonly #meters = new Meters();
  readonly #links: ClusterLinks;
  readonly #stack = new AsyncDisposableStack();
  readonly #services: Service[] = [new QuietCollector()];
  readonly #telemetry: Telemetry;
  /** When this process began; of two runs of a node the later one counts. */
  #incarnation = Date.now();
  /** Of the store, as the roles in this process have it; the message node's word is what others are told. */
  #epoch: () => string = () => '';
  #accepts: Pick<LinkServerParts, 'acceptEdge' | 'acceptMessages'> = {};
  #linkServer: LinkServer | undefined;
  #grpc: GrpcDoor | undefined;
  #bridge: Bridge | undefined;
  #door: ConnectServer | undefined;
  /** What is announced once the ports are open. */
  readonly #roles: { readonly role: NodeRole; readonly joined: (announced: Announcement) => void }[] = [];

  constructor(config: Config, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.#links = this.#stack.use(new ClusterLinks(config, log));
    this.#telemetry = new Telemetry({ config: config.telemetry, meters: this.#meters, log });
    this.#services.push(this.#telemetry);
    registerLinkMeters(this.#meters, this.#links.counters);
  }

  async addMessage(): Promise<void> {
    const config = this.#config;
    const log = this.#log;
    if (config.mysql.url === '')
      throw new ConfigError(['PARLEY_MYSQL_URL must be set: message nodes share a store on MySQL']);
    const store = await openStore(config, log);
    this.#stack.defer(() => store.close());
    const ids = await LeaseHolder.take({
      store,
      clock: systemClock,
      onFailure: (error) =>
        log.warn('the id lease was not renewed', { 'event.action': 'lease-failed' }, error),
    });
    // Runs are told apart by when they began; 51 bits of an id are time and worker.
    this.#incarnation = Number(ids.source.next() >> 12n);
    this.#epoch = () => store.epoch;
    const ownership = new Ownership(this.#links.nodeId);
    const message = new MessageNode({
      config: config.message,
      store,
      ids: ids.source,
      clock: systemClock,
      incarnation: this.#incarnation,
      log,
      recentMs,
      ownership,
      failpoints: Failpoints.parse(config.test.failpoints),
    });
    registerMessageMeters(this.#meters, message);
    registerStoreMeters(this.#meters, store.meters);
    this.#services.push(ids, message);
    this.#accepts = {
      ...this.#accepts,
      acceptEdge: (link, peer) => message.acceptEdge(link, peer.storeEpoch),
    };
    this.#links.linkGroups(
      () => this.#hello(),
      (link, peer) => message.connectGroup(link, peer.nodeId),
    );
    // While nobody can say who lives, everybody keeps what is theirs: the store fences.
    this.#links.watchReady('message', (ready) => {
      if (ready !== undefined) message.see(ready);
    });
    this.#roles.push({
      role: 'message',
      // Edges dial a node that joins; it owns nothing before they had time to tell it of their sessions.
      joined: (announced) => {
        const timer = setTimeout(() => announced.update('ready'), joinMs);
        this.#stack.defer(() => clearTimeout(timer));
      },
    });
  }

  addGroup(): void {
    const group = new GroupNode({ log: this.#log });
    registerGroupMeters(this.#meters, group);
    this.#services.push(group);
    this.#accepts = { ...this.#accepts, acceptMessages: (link) => group.accept(link) };
    this.#roles.push({ role: 'group', joined: (announced) => announced.update('ready') });
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
      auth: new Authenticator({ mode, tokens, clock: systemClock }),
      tokens,
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
    this.#links.watchReady('message', (ready) => connection.see(ready));
    const doors = { log, meters: this.#meters, sessions: connection, unary: connection };
    this.#grpc = new GrpcDoor({ ...doors, config: { ...config.grpc, mode, host } });
    if (bridge) {
      const rpc = createUnaryTransport(connection);
      this.#bridge = new Bridge({ config: config.bridge, mode, host, log, sessions: connection, rpc });
      registerBridgeMeters(this.#meters, this.#bridge);
    }
    // For bridges apart, and for services.
    if (!bridge || config.node.clusterToken !== '')
      this.#door = new ConnectServer({ ...doors, config: config.node, mode, nodeId: randomUUID() });
    this.#services.push(connection, this.#grpc);
    for (const door of [this.#door, this.#bridge]) if (door !== undefined) this.#services.push(door);
    this.#roles.push({ role: 'connection', joined: (announced) => announced.update('ready') });
  }

  async start(): Promise<ClusterServer> {
    const { linkHost, linkPort, linkAddress, linkQueueBytes } = this.#config.cluster;
    if (this.#accepts.acceptEdge !== undefined || this.#accepts.acceptMessages !== undefined) {
      this.#linkServer = new LinkServer({
        host: linkHost,
        port: linkPort,
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
        this.#links.announce({ role, incarnation: this.#incarnation, address, state: 'joining' }, () =>
          this.#superseded(role),
        ),
      );
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
        if (reason === 'signal') {
          // The others, and this node itself, see it with their next look at the directory.
          this.#links.draining();
          await new Promise((resolve) => setTimeout(resolve, this.#config.cluster.leaseMs / 2));
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

  #hello() {
    return this.#links.hello(this.#incarnation, this.#epoch());
  }

  /** A later run of this node has its name: one of the two must go, and it is this one. */
  #superseded(role: NodeRole): void {
    this.#log.error('another run of this node has taken its place', {
      'event.action': 'node-superseded',
      'parley.node.role': role,
      'parley.node.id': this.#links.nodeId,
    });
    process.kill(process.pid, 'SIGTERM');
  }
}
