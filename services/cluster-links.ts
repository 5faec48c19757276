import { hostname } from 'node:os';
import { randomBytes } from 'node:crypto';
import { RedisNodeDirectory } from './adapters/redis/redis-node-directory.ts';
import { redisClient } from './adapters/redis/client.ts';
import type { RedisClient } from './adapters/redis/script.ts';
import { systemClock } from './core/clock.ts';
import { ConfigError } from './core/config.ts';
import type { Logger } from './core/log.ts';
import { dialGroupNode, dialMessageNode } from './grpc/link-dial.ts';
import type { Config } from './options.ts';
import type { EdgeFrame, OwnerFrame } from './peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from './peer/group-frames.ts';
import { type Hello, linkVersion } from './peer/hello.ts';
import type { Link, LinkEvents } from './peer/link.ts';
import { Roster } from './peer/roster.ts';
import { linkCounters } from './peer/stream-link.ts';
import type { Announcement, NodeLease, NodeRole } from './ports/node-directory.ts';

const backoff = { firstMs: 50, maxMs: 1_000 };
const helloMs = 3_000;
const leastTokenLength = 32;

/** What a process has with the other nodes of its cluster: the directory, its name in it, and links that it keeps. */
export class ClusterLinks implements AsyncDisposable {
  readonly nodeId: string;
  readonly counters = { owner: linkCounters(), group: linkCounters() };
  readonly #config: Config;
  readonly #log: Logger;
  readonly #redis: RedisClient;
  readonly #directory: RedisNodeDirectory;
  readonly #stack = new AsyncDisposableStack();
  readonly #announced: Announcement[] = [];

  /** Throws a ConfigError where something that a cluster needs is not configured. */
  constructor(config: Config, log: Logger) {
    const { redisUrl, redisPrefix, leaseMs, nodeId } = config.cluster;
    const missing: string[] = [];
    if (redisUrl === '') missing.push('PARLEY_REDIS_URL must be set: nodes find each other in Redis');
    const { clusterToken } = config.node;
    if (clusterToken !== '' && clusterToken.length < leastTokenLength)
      missing.push(`PARLEY_CLUSTER_TOKEN must have at least ${leastTokenLength} characters`);
    if (clusterToken === '' && config.core.mode === 'production')
      missing.push('PARLEY_CLUSTER_TOKEN must be set: nodes show it to each other');
    if (missing.length > 0) throw new ConfigError(missing);
    this.#config = config;
    this.#log = log;
    this.nodeId = nodeId === '' ? `${hostname().slice(0, 40)}-${randomBytes(6).toString('hex')}` : nodeId;
    this.#redis = this.#stack.adopt(redisClient(redisUrl, log), (redis) => redis.disconnect());
    this.#directory = this.#stack.use(
      new RedisNodeDirectory({ redis: this.#redis, prefix: redisPrefix, leaseMs, clock: systemClock }),
    );
  }

  /** How this node introduces itself. */
  hello(incarnation: number, storeEpoch: string): Hello {
    const { clusterToken } = this.#config.node;
    return { version: linkVersion, nodeId: this.nodeId, incarnation, clusterToken, storeEpoch };
  }

  /** Announces this process in a role until it leaves. */
  announce(lease: Omit<NodeLease, 'nodeId'>, superseded: () => void): Announcement {
    const announced = this.#directory.announce({ ...lease, nodeId: this.nodeId }, superseded);
    this.#announced.push(announced);
    return announced;
  }

  /** Tells the others that this process takes nothing new. */
  draining(): void {
    for (const announced of this.#announced) announced.update('draining');
  }

  /** Tells the others that this process is gone. */
  async leave(): Promise<void> {
    await Promise.all(this.#announced.map((announced) => announced.withdraw()));
  }

  /** The nodes of a role that share its work, now and at each change; undefined while nobody can say. */
  watchReady(role: NodeRole, changed: (ready: readonly NodeLease[] | undefined) => void): void {
    this.#watch(role, (seen) => changed(seen?.filter(({ state }) => state === 'ready')));
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
        opened: (link, peer) => noticed(opened(link, peer), () => roster.lost(nodeId)),
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
        opened: (link, peer) => noticed(opened(link, peer), () => roster.lost(nodeId)),
      }),
    );
    this.#keep('group', roster);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #dialing(hello: () => Hello, address: string) {
    const config = { backoff, random: Math.random };
    return {
      address,
      hello,
      config,
      helloMs,
      limitBytes: this.#config.cluster.linkQueueBytes,
      log: this.#log,
    };
  }

  #keep(role: NodeRole, roster: Roster): void {
    this.#stack.defer(() => roster.stop());
    // While nobody can say who lives, links are kept as they are.
    this.#watch(role, (seen) => {
      if (seen !== undefined) roster.see(seen);
    });
  }

  #watch(role: NodeRole, changed: (seen: readonly NodeLease[] | undefined) => void): void {
    this.#stack.use(this.#directory.watch(role, changed));
  }
}

/** The same events, and a word when the link is down. */
function noticed<In>(events: LinkEvents<In>, down: () => void): LinkEvents<In> {
  return {
    frames: (frames) => events.frames(frames),
    down: (reason) => {
      events.down(reason);
      // Once whoever dials knows it, too.
      setImmediate(down);
    },
  };
}
