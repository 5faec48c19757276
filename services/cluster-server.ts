import { randomBytes } from 'node:crypto';
import { ClientDoors } from './client-doors.ts';
import { DoorWatch } from './door-watch.ts';
import { checkCluster, ClusterLinks } from './cluster-links.ts';
import { assertPushable, ClusterResources } from './cluster-resources.ts';
import { clusterMessage } from './cluster-message.ts';
import { ConnectionNode } from './connection/connection-node.ts';
import { loadTokenSecrets } from './connection/token-secrets.ts';
import { Tokens } from './connection/token.ts';
import { systemClock } from './core/clock.ts';
import { checkReach } from './core/core-options.ts';
import { Failpoints } from './core/failpoint.ts';
import { Incarnation } from './core/incarnation.ts';
import type { Logger } from './core/log.ts';
import { bracketed, hostPort } from './core/host-port.ts';
import { loopShare } from './core/loop-share.ts';
import { Meters } from './core/meters.ts';
import { QuietCollector } from './core/quiet-collector.ts';
import { Readiness } from './core/readiness.ts';
import { type Service, startAll, type StopReason, stopAll } from './core/service.ts';
import { Telemetry } from './core/telemetry.ts';
import { GroupNode } from './group/group-node.ts';
import { NodeDialer } from './grpc/node-calls.ts';
import { LinkServer, type LinkServerParts } from './grpc/link-server.ts';
import type { Joining } from './message/joining.ts';
import type { MessageNode } from './message/message-node.ts';
import { openCertificates, type OpenedCertificates } from './open-certificates.ts';
import { openDirectory, type OpenedDirectory } from './open-directory.ts';
import { openPush } from './open-push.ts';
import { configuredAims, webPushKey } from './push-aims.ts';
import type { Config } from './options.ts';
import { NodeAdministration } from './node-administration.ts';
import type { RunningParts } from './node-sources.ts';
import type { NodeRole } from './ports/directory.ts';
import type { NodeRegistration } from './peer/node-registration.ts';
import type { EventLog } from './ports/event-log.ts';
import {
  registerAdminMeters,
  registerConnectionMeters,
  registerDirectoryMeters,
  registerGroupMeters,
  registerLeaseMeters,
  registerLinkMeters,
  registerMessageMeters,
  registerRoles,
  registerStoreMeters,
} from './register-meters.ts';
import { registerOutboxMeters, registerPushMeters } from './register-push-meters.ts';

export type ClusterRole = 'bridge' | 'connection' | 'message' | 'group' | 'push';

export interface ClusterServer {
  /** The ports as they are; 0 for those that are not open. */
  readonly ports: Readonly<Record<'http' | 'ws' | 'grpc' | 'node' | 'link' | 'metrics', number>>;
  /** Resolves once all roles do their share: a message node has joined, an edge lets clients in. */
  readonly ready: Promise<void>;
  stop(reason: StopReason): Promise<void>;
}

/** How long sessions outlive the last link to a message node. */
const aloneMs = 5_000;
const noDoors = { http: 0, ws: 0, grpc: 0, node: 0 };
const helloMs = 3_000;
/** How long an edge that starts waits for links to the message nodes before it lets anybody in. */
const linkedWithinMs = 3_000;

/** Some roles of a cluster in one process: nodes find each other in Redis, and share a store on MySQL. */
export async function startClusterNode(
  config: Config,
  roles: ReadonlySet<ClusterRole>,
  log: Logger,
): Promise<ClusterServer> {
  checkReach(config.core.mode, { PARLEY_HOST: config.core.host, PARLEY_METRICS_HOST: config.telemetry.host });
  checkCluster(config, { storesMessages: roles.has('message') });
  const meters = new Meters();
  const certificates = await openCertificates(config, log, meters, {
    http: roles.has('bridge'),
    grpc: roles.has('connection'),
    engines: true,
  });
  const opened = await openDirectory(config, log);
  const node = new ClusterNode({ config, roles, log, meters, certificates, opened });
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
  readonly #certificates: OpenedCertificates;
  readonly #meters: Meters;
  readonly #readiness = new Readiness();
  readonly #opened: OpenedDirectory;
  readonly #links: ClusterLinks;
  readonly #shared: ClusterResources;
  readonly #stack = new AsyncDisposableStack();
  readonly #services: Service[] = [new QuietCollector()];
  readonly #telemetry: Telemetry;
  readonly #running: RunningParts;
  readonly #admin: NodeAdministration;
  /** When this process began; of two runs of a node the later one counts. */
  #incarnation = Date.now();
  /** Of the store, as the roles in this process have it; the message node's word is what others are told. */
  #epoch: () => string = () => '';
  #isSuperseded = false;
  #message: MessageNode | undefined;
  #joining: Joining | undefined;
  #accepts: Pick<LinkServerParts, 'acceptEdge' | 'acceptPeer' | 'acceptMessages'> = {};
  /** Where clients come in: opened last. */
  #doors: ClientDoors | undefined;
  #doorWatch: DoorWatch | undefined;
  /** This node as an edge, once it is announced. */
  #edge: NodeRegistration | undefined;
  #othersServe = false;
  readonly #welcoming = Promise.withResolvers<void>();
  readonly #joined = Promise.withResolvers<void>();
  /** What is announced once the ports are open, and then says when it is ready. */
  readonly #roles: { readonly role: NodeRole; readonly joined: (ready: () => void) => void }[] = [];

  constructor({
    config,
    roles,
    log,
    meters: own,
    certificates,
    opened,
  }: {
    config: Config;
    roles: ReadonlySet<ClusterRole>;
    log: Logger;
    meters: Meters;
    certificates: OpenedCertificates;
    opened: OpenedDirectory;
  }) {
    const { directory, meters } = opened;
    this.#config = config;
    this.#log = log;
    this.#meters = own;
    this.#certificates = certificates;
    this.#opened = opened;
    this.#stack.defer(() => directory.close());
    this.#shared = this.#stack.use(new ClusterResources({ config, log, pages: directory.pages }));
    this.#links = this.#stack.use(
      new ClusterLinks({
        config,
        leases: directory.nodes,
        tls: certificates.links,
        load: loopShare(),
        log,
      }),
    );
    registerRoles(this.#meters, this.#readiness, ...roles);
    this.#telemetry = new Telemetry({
      config: config.telemetry,
      traces: config.trace,
      node: { id: this.#links.nodeId, roles: [...roles] },
      meters: own,
      readiness: this.#readiness,
      tls: certificates.metrics,
      log,
    });
    this.#services.push(certificates.watch, this.#telemetry);
    if (meters !== undefined) registerDirectoryMeters(this.#meters, meters);
    registerLinkMeters(this.#meters, this.#links.counters);
    this.#running = {
      nodeId: this.#links.nodeId,
      mode: config.core.mode,
      roles: [...roles],
      directoryAvailable: () => meters?.available !== 0,
      links: this.#links.list,
    };
    const dialer = this.#stack.use(new NodeDialer({ tls: certificates.links, hello: () => this.#hello() }));
    this.#admin = new NodeAdministration({
      config,
      running: this.#running,
      leases: directory.nodes,
      seen: () => this.#links.seen,
      dial: (address, nodeId) => dialer.at(address, nodeId),
      log,
    });
    registerAdminMeters(this.#meters, this.#admin);
  }

  async addMessage(): Promise<void> {
    const config = this.#config;
    const log = this.#log;
    const incarnation = new Incarnation();
    const store = await this.#shared.store(incarnation);
    const events = await this.#shared.events();
    if (events === undefined)
      log.warn('nobody is told of events: PARLEY_KAFKA_BROKERS is not set', {
        'event.action': 'events-off',
      });
    const { nodeId } = this.#links;
    const { tracer } = this.#telemetry;
    const parts = { config, log, nodeId, store, incarnation, events, peers: this.#shared.peers, tracer };
    const { ids, outbox, message, joining, startedNo } = await clusterMessage(parts);
    this.#incarnation = startedNo;
    this.#epoch = () => store.epoch;
    this.#message = message;
    Object.assign(this.#running, { message, store, outbox });
    this.#joining = joining;
    this.#stack.defer(() => joining.stop());
    registerLeaseMeters(this.#meters, ids);
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
      joined: (ready) => joining.start(ready),
    });
  }

  /** Where neither webhooks nor devices are configured there is nobody to tell: then push is nothing, unless it is all there is. */
  async addPush({ alone }: { readonly alone: boolean }): Promise<void> {
    const config = this.#config;
    const aims = await configuredAims(config, this.#log);
    if (aims.groups.length === 0 && !alone) return;
    assertPushable(config, aims);
    const events = (await this.#shared.events()) as EventLog;
    const store = await this.#shared.store();
    this.#shared.linkPeers(this.#links, () => this.#hello());
    const offline = this.#shared.offline(this.#message);
    const acks = this.#shared.acks(this.#message);
    const { tracer } = this.#telemetry;
    const parts = { config, log: this.#log, aims, events, store, offline, acks, tracer };
    const { push, deadLetters, letters } = await openPush(parts);
    Object.assign(this.#running, { push, letters });
    this.#stack.defer(() => deadLetters.close());
    registerPushMeters(this.#meters, { push, deadLetters });
    this.#serve(events, push);
    this.#roles.push({ role: 'push', joined: (ready) => ready() });
  }

  addGroup(): void {
    const group = new GroupNode({ log: this.#log, tracer: this.#telemetry.tracer });
    registerGroupMeters(this.#meters, group);
    this.#services.push(group);
    this.#accepts = { ...this.#accepts, acceptMessages: (link) => group.accept(link) };
    this.#roles.push({ role: 'group', joined: (ready) => ready() });
  }

  async addConnection({ bridge }: { readonly bridge: boolean }): Promise<void> {
    const config = this.#config;
    const log = this.#log;
    const { mode, dataDir } = config.core;
    const { tracer } = this.#telemetry;
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
      administration: this.#admin.administration,
      webPushKey: await webPushKey(config),
      log,
      random: Math.random,
      aloneMs,
      failpoints: Failpoints.parse(config.test.failpoints),
      tracer,
      traces: config.trace,
    });
    this.#running.connection = connection;
    registerConnectionMeters(this.#meters, connection);
    this.#readiness.needs('noMessageNode', () => connection.linked);
    this.#links.linkMessages(
      () => this.#links.hello(this.#incarnation, connection.epoch),
      (link, peer) => connection.connectMessages(link, peer.nodeId, peer.storeEpoch),
    );
    // Where the directory can't be read, links alone tell who can be asked.
    this.#links.watchReady('message', (ready, known) => connection.see(known ? ready : undefined));
    // Each says that it is ready as long as it has a message node.
    this.#links.watchReady('connection', (edges, known) => {
      this.#othersServe = known && edges.some(({ nodeId }) => nodeId !== this.#links.nodeId);
    });
    this.#doors = new ClientDoors({
      config,
      bridge,
      connection,
      certificates: this.#certificates,
      readiness: this.#readiness,
      log,
      meters: this.#meters,
      tracer,
    });
    this.#doorWatch = new DoorWatch({
      doors: this.#doors,
      linked: () => connection.linked,
      othersServe: () => this.#othersServe,
      tell: (serves) => {
        if (this.#readiness.state !== 'draining') void this.#edge?.update(serves ? 'ready' : 'joining');
      },
      patienceMs: aloneMs,
      clock: systemClock,
      log,
    });
    this.#services.push(connection);
    this.#roles.push({ role: 'connection', joined: (ready) => void this.#welcoming.promise.then(ready) });
  }

  async start(): Promise<ClusterServer> {
    const { linkHost, linkPort, linkAddress, linkQueueBytes } = this.#config.cluster;
    const linkServer = new LinkServer({
      host: linkHost,
      port: linkPort,
      tls: this.#certificates.links,
      hello: () => this.#hello(),
      log: this.#log,
      limitBytes: linkQueueBytes,
      helloMs,
      counters: this.#links.counters,
      list: this.#links.list,
      nodeHost: this.#admin.desk,
      // Whom nobody links to is asked by the administration alone, which finds it wherever it says that it is.
      anyPort:
        linkAddress === '' &&
        this.#accepts.acceptEdge === undefined &&
        this.#accepts.acceptMessages === undefined,
      ...this.#accepts,
    });
    this.#services.push(linkServer, this.#admin);
    await startAll(this.#services);
    const address = linkAddress === '' ? hostPort(linkHost, linkServer.port) : bracketed(linkAddress);
    const joining = new Set(this.#roles);
    for (const each of this.#roles) {
      const { role, joined } = each;
      const announced = { role, incarnation: this.#incarnation, address, state: 'joining' } as const;
      const node = await this.#links.announce(announced, () => this.#superseded(role));
      if (role === 'connection') this.#edge = node;
      joined(() => {
        void node.update('ready').finally(() => {
          joining.delete(each);
          if (joining.size > 0) return;
          this.#readiness.ready();
          this.#joined.resolve();
        });
      });
    }
    await this.#links.start();
    await this.#openDoors();
    return {
      ports: {
        ...(this.#doors?.ports ?? noDoors),
        link: linkServer.port,
        metrics: this.#telemetry.address.port,
      },
      ready: this.#joined.promise,
      stop: async (reason) => {
        this.#readiness.draining();
        // It may go before it has come.
        this.#joining?.stop();
        if (reason === 'signal') {
          // The others, and this node itself, see it with their next look at the directory.
          await this.#links.draining();
          await new Promise((resolve) => setTimeout(resolve, this.#config.directory.leaseMs / 2));
        }
        await stopAll([...this.#services, ...this.#doorServices], reason, this.#config.process.drainMs);
        await this.#links.leave();
        await this.abandon();
      },
    };
  }

  /** Clients that come before a node can do anything for them would only have to come again. */
  async #openDoors(): Promise<void> {
    try {
      await this.#running.connection?.linkedWithin(linkedWithinMs);
      await startAll(this.#doorServices);
    } catch (error) {
      await stopAll(this.#services, 'failed', 0);
      throw error;
    }
    this.#welcoming.resolve();
  }

  /** Who watches the doors does so while they are there. */
  get #doorServices(): readonly Service[] {
    return [...(this.#doors?.services ?? []), this.#doorWatch].filter((service) => service !== undefined);
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
      'parley.role': role,
    });
    process.kill(process.pid, 'SIGTERM');
  }
}
