import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { GroupService, HistoryVisibility } from '../../gen/parley/chat/v1/group_pb.ts';
import { MemoryDirectory } from '../../services/adapters/memory/memory-directory.ts';
import { ConnectionNode } from '../../services/connection/connection-node.ts';
import { connectionOptions } from '../../services/connection/options.ts';
import { Tokens } from '../../services/connection/token.ts';
import { type Clock, systemClock } from '../../services/core/clock.ts';
import type { ConvId } from '../../services/core/ids.ts';
import { loadConfig } from '../../services/core/config.ts';
import type { Mode } from '../../services/core/core-options.ts';
import type { Logger } from '../../services/core/log.ts';
import { silentLogger } from '../../services/core/log.ts';
import { IdSource } from '../../services/core/snowflake.ts';
import type { Tracer } from '../../services/core/tracer.ts';
import { GroupNode } from '../../services/group/group-node.ts';
import type { Joining } from '../../services/message/joining.ts';
import type { Ownership } from '../../services/message/ownership.ts';
import { MessageNode, type MessageRelay } from '../../services/message/message-node.ts';
import { messageOptions } from '../../services/message/options.ts';
import { connectDirect } from '../../services/peer/direct-link.ts';
import type { EdgeFrame, OwnerFrame } from '../../services/peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from '../../services/peer/group-frames.ts';
import type { Link } from '../../services/peer/link.ts';
import type { PeerCalls } from '../../services/peer/peer-calls.ts';
import type { Directory } from '../../services/ports/directory.ts';
import type { MessageStore, StoredEntry } from '../../services/ports/message-store.ts';
import { FaultyStore } from './faulty-store.ts';
import { TempStore } from './temp-store.ts';
import { noAdministration } from './no-administration.ts';
import { TestDoor, type TestSession } from './test-session.ts';

const tables = { message: messageOptions, connection: connectionOptions };
type Config = ReturnType<typeof loadConfig<typeof tables>>;

/** The machine's clock, which a test can put forward. */
export class TurnedClock implements Clock {
  #aheadMs = 0;

  wallMs(): number {
    return Date.now() + this.#aheadMs;
  }

  monotonicMs(): number {
    return performance.now() + this.#aheadMs;
  }

  advance(ms: number): void {
    this.#aheadMs += ms;
  }
}

export interface NodesOptions {
  /** The store of other nodes; where it isn't given, there is one of these nodes' own. */
  readonly store?: MessageStore;
  readonly edges?: number;
  readonly mode?: Mode;
  readonly message?: Partial<Config['message']>;
  readonly connection?: Partial<Config['connection']>;
  /** Worker number of the id source. */
  readonly worker?: number;
  /** Links are cut and come again: what was missed is kept for so long, and sessions outlive the last link. */
  readonly linksComeAgain?: { readonly recentMs: number; readonly aloneMs: number };
  /** Where other message nodes share the conversations. */
  readonly ownership?: Ownership;
  /** Told which edges have told of themselves. */
  readonly joining?: Joining;
  /** To whom commands are handed on. */
  readonly others?: PeerCalls;
  /** After hanging for so long the message node drops what it has in hand. */
  readonly stallMs?: number;
  /** False: no group node is there. */
  readonly groups?: boolean;
  readonly log?: Logger;
  readonly directory?: Directory;
  /** Who is told of what is committed. */
  readonly relay?: MessageRelay;
  /** Where it is given, everything that it samples is traced. */
  readonly tracer?: Tracer;
}

function ownDirectory(): Promise<Directory> {
  const bytes = { pageBytes: 65_536, pageCacheBytes: 1_048_576 };
  const times = { leaseMs: 1_500, sessionTtlMs: 90_000, pageTtlMs: 3_600_000 };
  return MemoryDirectory.open({ clock: systemClock, ...times, ...bytes });
}

interface Edge {
  readonly node: ConnectionNode;
  readonly door: TestDoor;
  /** Cuts its link to the message node. */
  unlink(): void;
  relink(): void;
}

let incarnations = 0;

export const tokenSecret = 'a secret of tests, 32 bytes long';

/** Message, group and connection nodes over direct links on a real store. */
export class Nodes implements AsyncDisposable {
  readonly clock = new TurnedClock();
  readonly store: FaultyStore;
  readonly message: MessageNode;
  readonly group: GroupNode;
  readonly edges: Edge[] = [];
  readonly tokens: Tokens;
  readonly directory: Directory;
  readonly temp: TempStore | undefined;
  readonly ids: IdSource;
  readonly #options: NodesOptions;
  readonly #config: Config;
  readonly #log: Logger;
  #bareLinks = 0;
  #groupLink: { close(reason: string): void } | undefined;

  private constructor(
    options: NodesOptions,
    store: FaultyStore,
    temp: TempStore | undefined,
    directory: Directory,
  ) {
    this.#options = options;
    this.directory = directory;
    this.store = store;
    this.temp = temp;
    const { clock } = this;
    const usual = loadConfig(tables, {});
    this.#config = {
      message: { ...usual.message, ...options.message },
      connection: { ...usual.connection, lobby: false, ...options.connection },
    };
    this.#log = options.log ?? silentLogger;
    incarnations += 1;
    const lease = { worker: options.worker ?? incarnations % 1024, reservedUntilMs: Number.MAX_SAFE_INTEGER };
    this.ids = new IdSource({ clock, lease });
    this.tokens = new Tokens([tokenSecret], clock);
    this.message = new MessageNode({
      config: this.#config.message,
      store,
      ids: this.ids,
      clock,
      incarnation: incarnations,
      log: this.#log,
      ...(options.linksComeAgain && { recentMs: options.linksComeAgain.recentMs }),
      ...(options.ownership && { ownership: options.ownership }),
      ...(options.others && { others: options.others }),
      ...(options.joining && { joining: options.joining }),
      ...(options.stallMs !== undefined && { stallMs: options.stallMs }),
      relay: options.relay,
      tracer: options.tracer,
    });
    this.group = new GroupNode({ log: this.#log, tracer: options.tracer });
    if (options.groups !== false) this.linkGroups();
    for (let no = 0; no < (options.edges ?? 1); no += 1) this.addEdge();
  }

  static async open(options: NodesOptions = {}): Promise<Nodes> {
    const temp = options.store === undefined ? await TempStore.open() : undefined;
    const inner = options.store ?? (temp as TempStore).store;
    const store = inner instanceof FaultyStore ? inner : new FaultyStore(inner);
    const nodes = new Nodes(options, store, temp, options.directory ?? (await ownDirectory()));
    await nodes.message.start();
    for (const { node } of nodes.edges) await node.start();
    return nodes;
  }

  linkGroups(): void {
    this.#groupLink = connectDirect<GroupRequestFrame, GroupDecisionFrame>({
      a: (link) => this.message.connectGroup(link),
      b: (link) => this.group.accept(link),
      limitBytes: 1 << 28,
    });
  }

  unlinkGroups(): void {
    this.#groupLink?.close('a test cuts it');
  }

  /** A connection node, linked, with a door. Not started where the others already are. */
  addEdge(linkBytes = 1 << 28): Edge {
    const nodeId = `edge ${this.edges.length}`;
    const node = this.#connectionNode();
    const link = () =>
      connectDirect<EdgeFrame, OwnerFrame>({
        a: (end) => node.connectMessages(end, 'message', this.store.epoch),
        b: (end) => this.message.acceptEdge(end, nodeId),
        limitBytes: linkBytes,
      });
    let present = link();
    const edge = {
      node,
      door: new TestDoor(node),
      unlink: () => present.close('a test cuts it'),
      relink: () => {
        present = link();
      },
    };
    this.edges.push(edge);
    return edge;
  }

  /** A connection node that the test links itself, with a door. */
  addUnlinkedEdge(links: { unlink(): void; relink(): void }): ConnectionNode {
    const node = this.#connectionNode();
    this.edges.push({ node, door: new TestDoor(node), ...links });
    return node;
  }

  /** A connection node whose message node the test plays. */
  bareEdge() {
    const node = this.#connectionNode();
    const asked: EdgeFrame[] = [];
    const end: Link<EdgeFrame> = {
      send: (frame) => {
        asked.push(frame);
        return 'queued';
      },
      close: () => {},
    };
    const { frames, down } = node.connectMessages(end, 'message', this.store.epoch);
    // Of no session so far.
    asked.length = 0;
    return { node, door: new TestDoor(node), asked, say: (...said: OwnerFrame[]) => frames(said), down };
  }

  /** A link to the message node of an edge that the test plays. */
  bareLink() {
    const told: OwnerFrame[] = [];
    const link: Link<OwnerFrame> = {
      send: (frame) => {
        told.push(frame);
        return 'queued';
      },
      close: () => {},
    };
    this.#bareLinks += 1;
    const { frames } = this.message.acceptEdge(link, `bare edge ${this.#bareLinks}`);
    return { told, say: (...said: EdgeFrame[]) => frames(said) };
  }

  #connectionNode(): ConnectionNode {
    const { clock, tokens } = this;
    const mode = this.#options.mode ?? 'development';
    return new ConnectionNode({
      config: this.#config.connection,
      mode,
      clock,
      nodeId: `edge ${this.edges.length}`,
      directory: this.directory,
      administration: noAdministration,
      tokens,
      log: this.#log,
      random: Math.random,
      ...(this.#options.linksComeAgain && { aloneMs: this.#options.linksComeAgain.aloneMs }),
      tracer: this.#options.tracer,
    });
  }

  /** A session that has not said hello. */
  connect(edge = 0): TestSession {
    return (this.edges[edge] as (typeof this.edges)[number]).door.open();
  }

  /** A session that is open. */
  async signIn(
    userId: string,
    { edge = 0, deviceId = `device of ${userId}`, openGroups = false, token = '' } = {},
  ): Promise<TestSession> {
    const session = this.connect(edge);
    session.send({ case: 'hello', value: { protocolVersion: 1, deviceId, userId, openGroups, token } });
    await session.until(({ event }) => event.case === 'welcome');
    return session;
  }

  /** A unary call of a user, through an edge; with a token, on its strength. */
  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    user: string | undefined,
    { bearer = undefined as string | undefined, edge = 0 } = {},
  ): Promise<MessageShape<O>> {
    const { node } = this.edges[edge] as (typeof this.edges)[number];
    const context = { bearer, user, remoteAddress: '127.0.0.1' };
    const rpc = `${method.parent.typeName}/${method.name}`;
    return (await node.call(rpc, create(method.input, request), context)) as MessageShape<O>;
  }

  createGroup(
    owner: string,
    groupId: string,
    members: readonly string[],
    { history = 'sinceJoin', maxMembers = 0, clientId = `create ${groupId}` } = {},
  ) {
    const visibility = history === 'all' ? HistoryVisibility.ALL : HistoryVisibility.SINCE_JOIN;
    const { createGroup } = GroupService.method;
    const request = {
      groupId,
      name: groupId || 'unnamed',
      members: [...members],
      history: visibility,
      maxMembers,
      clientId,
    };
    return this.call(createGroup, request, owner);
  }

  add(actor: string, groupId: string, users: readonly string[], clientId = unique('add')) {
    return this.call(GroupService.method.addMembers, { groupId, users: [...users], clientId }, actor);
  }

  kick(actor: string, groupId: string, userId: string, clientId = unique('kick')) {
    return this.call(GroupService.method.removeMember, { groupId, userId, clientId }, actor);
  }

  leave(actor: string, groupId: string, clientId = unique('leave')) {
    return this.call(GroupService.method.leaveGroup, { groupId, clientId }, actor);
  }

  /** Waits until commands of at least so many bytes wait for a commit: one takes 256 and its content. */
  async queued(commands: number): Promise<void> {
    while (this.message.queuedBytes < commands * 256) await new Promise((resolve) => setImmediate(resolve));
  }

  /** All entries of a conversation, from the store. */
  async log(convId: string): Promise<readonly StoredEntry[]> {
    const [snapshot] = await this.store.inner.load([convId as ConvId]);
    if (snapshot === undefined) return [];
    return this.store.inner.range(snapshot.convNo, 1, snapshot.head.seq, 1_000, false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { node } of this.edges) await node.stop('test');
    await this.message.stop();
    await this.group.stop();
    await this.temp?.[Symbol.asyncDispose]();
  }
}

let uniques = 0;

/** A client id that was not there before. */
export function unique(what: string): string {
  uniques += 1;
  return `${what} ${uniques}`;
}

/** A send to a conversation. */
export function say(convId: string, text: string, clientId = unique('say')) {
  return {
    case: 'send',
    value: {
      target: { case: 'convId', value: convId },
      clientId,
      body: { content: { case: 'text', value: text } },
    },
  } as const;
}

/** A send to a user. */
export function sayTo(user: string, text: string, clientId = unique('say')) {
  return {
    case: 'send',
    value: {
      target: { case: 'to', value: user },
      clientId,
      body: { content: { case: 'text', value: text } },
    },
  } as const;
}
