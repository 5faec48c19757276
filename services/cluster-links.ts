import { systemClock } from './core/clock.ts';
import { ConfigError } from './core/config.ts';
import type { TlsSource } from './core/certificates.ts';
import { isWildcard } from './core/core-options.ts';
import type { Logger } from './core/log.ts';
import { nodeName } from './core/node-name.ts';
import { dialGroupNode, dialMessageNode, dialPeer } from './grpc/link-dial.ts';
import type { Config } from './options.ts';
import type { EdgeFrame, OwnerFrame } from './peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from './peer/group-frames.ts';
import { type Hello, linkVersion } from './peer/hello.ts';
import type { Link, LinkEvents } from './peer/link.ts';
import { LinkList, type LinkUp } from './peer/link-list.ts';
import { NodeRegistration } from './peer/node-registration.ts';
import { NodeWatch } from './peer/node-watch.ts';
import type { PeerAnswerFrame, PeerQuestionFrame } from './peer/peer-frames.ts';
import { Roster } from './peer/roster.ts';
import { linkCounters } from './peer/stream-link.ts';
import { DirectoryError, type NodeLeases, type NodeRecord, type NodeRole } from './ports/directory.ts';

const backoff = { firstMs: 50, maxMs: 1_000 };
const helloMs = 3_000;
const leastTokenLength = 32;

/** Throws a ConfigError where something is not configured that a process of a cluster needs; message nodes need a store. */
export function checkCluster(
  { directory, node, core, mysql, cluster }: Config,
  { storesMessages }: { readonly storesMessages: boolean },
): void {
  const missing: string[] = [];
  if (directory.redisUrl === '') missing.push('PARLEY_REDIS_URL must be set: nodes find each other in Redis');
  if (storesMessages && mysql.url === '')
    missing.push('PARLEY_MYSQL_URL must be set: message nodes share a store on MySQL');
  const { clusterToken } = node;
  if (clusterToken !== '' && clusterToken.length < leastTokenLength)
    missing.push(`PARLEY_CLUSTER_TOKEN must have at least ${leastTokenLength} characters`);
  if (clusterToken === '' && core.mode === 'production')
    missing.push('PARLEY_CLUSTER_TOKEN must be set: nodes show it to each other');
  // To whoever reads it there this is an address of his own.
  if (isWildcard(cluster.linkHost) && cluster.linkAddress === '')
    missing.push(
      `PARLEY_LINK_ADDRESS must be set where PARLEY_LINK_HOST is "${cluster.linkHost}": it is where other nodes reach this one`,
    );
  if (missing.length > 0) throw new ConfigError(missing);
}

/** What a node tells the others of itself when it starts. */
export type Introduction = Pick<NodeRecord, 'role' | 'incarnation' | 'address' | 'state'>;

export interface ClusterLinksParts {
  readonly config: Config;
  readonly leases: NodeLeases;
  /** Undefined: links are without TLS. */
  readonly tls: TlsSource | undefined;
  /** How busy this process is, between 0 and 1. */
  readonly load: () => number;
  readonly log: Logger;
}

/** What a process has with the other nodes of its cluster: its name in the directory, and links that it keeps. */
export class ClusterLinks implements AsyncDisposable {
  readonly nodeId: string;
  /** Links that are up. */
  readonly list = new LinkList();
  readonly counters = { owner: linkCounters(), group: linkCounters(), peer: linkCounters() };
  readonly #config: Config;
  readonly #log: Logger;
  readonly #leases: NodeLeases;
  readonly #tls: TlsSource | undefined;
  readonly #load: () => number;
  readonly #stack = new AsyncDisposableStack();
  readonly #registrations: NodeRegistration[] = [];
  readonly #watches = new Map<NodeRole, Watched>();

  constructor({ config, leases, tls, load, log }: ClusterLinksParts) {
    this.#config = config;
    this.#log = log;
    this.#leases = leases;
    this.#tls = tls;
    this.#load = load;
    this.nodeId = nodeName(config.cluster.nodeId);
  }

  /** How this node introduces itself. */
  hello(incarnation: number, storeEpoch: string): Hello {
    const { clusterToken } = this.#config.node;
    return { version: linkVersion, nodeId: this.nodeId, incarnation, clusterToken, storeEpoch };
  }

  /**
   * Announces this process in a role until it leaves; resolves after the first attempt. `superseded` is called, once,
   * where a later run of this node has taken its name: this one must stop.
   */
  async announce(node: Introduction, superseded: () => void): Promise<NodeRegistration> {
    const registration = new NodeRegistration({
      leases: this.#leases,
      node: { ...node, id: this.nodeId, protocol: linkVersion },
      load: this.#load,
      superseded,
      failed: (error) => this.#failed('a node lease could not be renewed', error),
    });
    this.#registrations.push(registration);
    this.#stack.defer(() => registration.stop());
    await registration.start();
    return registration;
  }

  /** The nodes of all roles that this process looks after, as they were seen last. */
  get seen(): readonly NodeRecord[] {
    return [...this.#watches.values()].flatMap(({ watch }) => watch.nodes);
  }

  /** Tells the others that this process takes nothing new. */
  async draining(): Promise<void> {
    await Promise.all(this.#registrations.map((registration) => registration.update('draining')));
  }

  /** Tells the others that this process is gone. */
  async leave(): Promise<void> {
    await Promise.all(this.#registrations.map((registration) => registration.stop()));
  }

  /** Begins to look at the directory, after all who want to hear of it have said so. Resolves after the first look. */
  async start(): Promise<void> {
    for (const { watch, listeners } of this.#watches.values()) {
      await watch.start();
      // A look that found nobody, or no directory, is no change.
      for (const listener of listeners) listener(watch.nodes, watch.inReach);
    }
  }

  /**
   * The nodes of a role that share its work, at each change; whom the directory has only forgotten is still among them.
   * `known`: whether the directory could be read. Where it could not, links alone tell who is alive.
   */
  watchReady(
    role: NodeRole,
    changed: (ready: readonly { readonly nodeId: string }[], known: boolean) => void,
  ): void {
    let told = '';
    this.#watch(role, (nodes, known) => {
      const ready = nodes.filter(({ state }) => state === 'ready').map(({ id }) => ({ nodeId: id }));
      const telling = JSON.stringify([known, ready]);
      if (telling === told) return;
      told = telling;
      changed(ready, known);
    });
  }

  /** The names of a role's nodes, whatever their state, now and at each change; `known` as in `watchReady`. */
  watchAll(
    role: NodeRole,
    changed: (seen: readonly { readonly nodeId: string }[], known: boolean) => void,
  ): void {
    this.#watch(role, (nodes, known) =>
      changed(
        nodes.map(({ id }) => ({ nodeId: id })),
        known,
      ),
    );
  }

  /** Keeps links to all message nodes. */
  linkMessages(
    hello: () => Hello,
    opened: (link: Link<EdgeFrame>, peer: Hello) => LinkEvents<OwnerFrame>,
  ): void {
    const roster = new Roster(({ nodeId, address }) =>
      dialMessageNode({
        ...this.#dialing(hello, address),
        counters: this.counters.owner,
        opened: (link, peer) =>
          this.#listed('owner', link, peer, opened(link, peer), () => roster.lost(nodeId)),
      }),
    );
    this.#keep('message', roster);
  }

  /** Keeps links to all group nodes. */
  linkGroups(
    hello: () => Hello,
    opened: (link: Link<GroupRequestFrame>, peer: Hello) => LinkEvents<GroupDecisionFrame>,
  ): void {
    const roster = new Roster(({ nodeId, address }) =>
      dialGroupNode({
        ...this.#dialing(hello, address),
        counters: this.counters.group,
        opened: (link, peer) =>
          this.#listed('group', link, peer, opened(link, peer), () => roster.lost(nodeId)),
      }),
    );
    this.#keep('group', roster);
  }

  /** Keeps links to all other message nodes, to ask them. */
  linkPeers(
    hello: () => Hello,
    opened: (link: Link<PeerQuestionFrame>, peer: Hello) => LinkEvents<PeerAnswerFrame>,
  ): void {
    const roster = new Roster(({ nodeId, address }) =>
      dialPeer({
        ...this.#dialing(hello, address),
        counters: this.counters.peer,
        opened: (link, peer) =>
          this.#listed('peer', link, peer, opened(link, peer), () => roster.lost(nodeId)),
      }),
    );
    this.#keep('message', roster, this.nodeId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #dialing(hello: () => Hello, address: string) {
    const config = { backoff, random: Math.random };
    return {
      address,
      tls: this.#tls,
      hello,
      config,
      helloMs,
      limitBytes: this.#config.cluster.linkQueueBytes,
      log: this.#log,
    };
  }

  #keep(role: NodeRole, roster: Roster, except?: string): void {
    this.#stack.defer(() => roster.stop());
    this.#watch(role, (nodes) =>
      roster.see(
        nodes
          .filter(({ id }) => id !== except)
          .map(({ id, incarnation, address }) => ({ nodeId: id, incarnation, address })),
      ),
    );
  }

  #watch(role: NodeRole, changed: Watched['listeners'][number]): void {
    const watched = this.#watches.get(role);
    if (watched !== undefined) {
      watched.listeners.push(changed);
      return;
    }
    const listeners = [changed];
    const watch = new NodeWatch({
      leases: this.#leases,
      role,
      clock: systemClock,
      changed: () => {
        for (const listener of listeners) listener(watch.nodes, watch.inReach);
      },
      failed: (error) => this.#failed('a change of nodes could not be taken', error),
    });
    this.#watches.set(role, { watch, listeners });
    this.#stack.defer(() => watch.stop());
  }

  /** Lists a link while it is up; the same events, and a word when it is down. */
  #listed<Out, In>(
    kind: LinkUp['kind'],
    link: Link<Out>,
    { nodeId }: Hello,
    events: LinkEvents<In>,
    down: () => void,
  ): LinkEvents<In> {
    this.list.add(link, kind, nodeId);
    return {
      frames: (frames) => events.frames(frames),
      down: (reason) => {
        this.list.remove(link);
        events.down(reason);
        // Once whoever dials knows it, too.
        setImmediate(down);
      },
    };
  }

  /** The directory's own troubles are told by itself, once. */
  #failed(words: string, error: unknown): void {
    if (error instanceof DirectoryError) return;
    this.#log.error(words, { 'event.action': 'internal-error' }, error);
  }
}

interface Watched {
  readonly watch: NodeWatch;
  readonly listeners: ((nodes: readonly NodeRecord[], known: boolean) => void)[];
}
