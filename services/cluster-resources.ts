import type { ClusterLinks } from './cluster-links.ts';
import { ConfigError } from './core/config.ts';
import type { Incarnation } from './core/incarnation.ts';
import type { Logger } from './core/log.ts';
import type { MessageNode } from './message/message-node.ts';
import { openEventLog } from './open-events.ts';
import type { PushAims } from './push-aims.ts';
import { openStore, type OpenStore } from './open-store.ts';
import type { Config } from './options.ts';
import type { Hello } from './peer/hello.ts';
import { PeerCalls } from './peer/peer-calls.ts';
import type { PageCache } from './ports/directory.ts';
import type { EventLog } from './ports/event-log.ts';
import type { Offline } from './ports/offline.ts';
import type { SessionAcks } from './ports/session-acks.ts';
import { PeerAcks } from './push/peer-acks.ts';
import { PeerOffline } from './push/peer-offline.ts';

/** How long a message node may take to answer. */
const askMs = 2_000;

/** What the roles of one process share: a store, an event log, and links to the message nodes that they ask. */
export class ClusterResources implements AsyncDisposable {
  readonly peers = new PeerCalls({ timeoutMs: askMs });
  readonly #config: Config;
  readonly #log: Logger;
  readonly #pages: PageCache;
  readonly #stack = new AsyncDisposableStack();
  #store: OpenStore | undefined;
  #events: EventLog | undefined;
  #asks = false;

  constructor({ config, log, pages }: { config: Config; log: Logger; pages: PageCache }) {
    this.#config = config;
    this.#log = log;
    this.#pages = pages;
  }

  /** With an incarnation, commits leave rows in the outbox; whoever opens the store first says so. */
  async store(incarnation?: Incarnation): Promise<OpenStore> {
    if (this.#store !== undefined) return this.#store;
    const store = await openStore(this.#config, this.#log, { incarnation, pages: this.#pages });
    this.#store = store;
    this.#stack.defer(() => store.close());
    return store;
  }

  /** The event log, to be started by who asks for it; undefined without Kafka: that is what nodes share. */
  async events(): Promise<EventLog | undefined> {
    if (this.#config.kafka.brokers.length > 0)
      this.#events ??= await openEventLog(this.#config, this.#log, []);
    return this.#events;
  }

  /** Links this process to the message nodes that it asks, once. */
  linkPeers(links: ClusterLinks, hello: () => Hello): void {
    if (this.#asks) return;
    this.#asks = true;
    links.linkPeers(hello, (link, peer) => this.peers.attach(link, peer.nodeId));
  }

  /** Who has no session: a message node knows, in this process or in another one that is linked. */
  offline(message: MessageNode | undefined): Offline {
    if (message === undefined) return new PeerOffline({ peers: this.peers, random: Math.random });
    return { offline: async (users) => users.filter((userId) => !message.isOnline(userId)) };
  }

  /** What sessions have acknowledged: a message node asks those that have them. */
  acks(message: MessageNode | undefined): SessionAcks {
    return message === undefined ? new PeerAcks({ peers: this.peers, random: Math.random }) : message.acks;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** Throws a ConfigError that names all that push nodes of a cluster need and do not have. */
export function assertPushable({ kafka, mysql }: Config, { groups }: Pick<PushAims, 'groups'>): void {
  const missing: string[] = [];
  if (groups.length === 0)
    missing.push(
      'PARLEY_WEBHOOKS must name endpoints, or PARLEY_PUSH be set: push nodes send webhooks and pushes',
    );
  if (kafka.brokers.length === 0)
    missing.push('PARLEY_KAFKA_BROKERS must be set: push nodes read events from Kafka');
  if (mysql.url === '') missing.push('PARLEY_MYSQL_URL must be set: push nodes look up members in it');
  if (missing.length > 0) throw new ConfigError(missing);
}
