import { credentials } from '@grpc/grpc-js';
import { silentLogger } from '../../services/core/log.ts';
import { LinkClient } from '../../services/grpc/link-client.ts';
import { groupLink, ownerLink, peerLink } from '../../services/grpc/link-methods.ts';
import { LinkServer } from '../../services/grpc/link-server.ts';
import { Dialer } from '../../services/peer/dialer.ts';
import type { EdgeFrame, OwnerFrame } from '../../services/peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from '../../services/peer/group-frames.ts';
import { type Hello, linkVersion } from '../../services/peer/hello.ts';
import type { PeerAnswerFrame, PeerQuestionFrame } from '../../services/peer/peer-frames.ts';
import type { Link, LinkEvents } from '../../services/peer/link.ts';
import { edgeCodec, groupRequestCodec, peerQuestionCodec } from '../../services/peer/link-codecs.ts';
import { linkCounters } from '../../services/peer/stream-link.ts';

const clusterToken = 'the cluster token of these tests';
const limitBytes = 64 * 1024 * 1024;
const helloMs = 5_000;
const config = { backoff: { firstMs: 5, maxMs: 50 }, random: Math.random };

const hello = (nodeId: string): Hello => ({
  version: linkVersion,
  nodeId,
  incarnation: 1,
  clusterToken,
  storeEpoch: '',
});

/** Real links on loopback: a message node and a group node that serve, and nodes that dial them. */
export class GrpcLinks implements AsyncDisposable {
  readonly counters = { owner: linkCounters(), group: linkCounters(), peer: linkCounters() };
  readonly #server: LinkServer;
  readonly #dialers: { stop(): void }[] = [];

  private constructor(parts: Accepts) {
    this.#server = new LinkServer({
      host: '127.0.0.1',
      port: 0,
      hello: () => hello('message'),
      log: silentLogger,
      limitBytes,
      helloMs,
      counters: this.counters,
      ...parts,
    });
  }

  static async serve(parts: Accepts): Promise<GrpcLinks> {
    const links = new GrpcLinks(parts);
    await links.#server.start();
    return links;
  }

  /** Keeps a connection node linked to the message node. */
  dialOwner(nodeId: string, opened: (link: Link<EdgeFrame>, peer: Hello) => LinkEvents<OwnerFrame>) {
    const counters = linkCounters();
    const dialer = new Dialer<EdgeFrame, OwnerFrame>({
      dial: (events) => this.#client().dial(ownerLink, events),
      codec: edgeCodec,
      counters,
      limitBytes,
      hello: () => hello(nodeId),
      opened,
      config,
      helloMs,
      log: silentLogger,
      address: 'message',
    });
    this.#dialers.push(dialer);
    return { dialer, counters };
  }

  /** Keeps a message node linked to the group node. */
  dialGroup(opened: (link: Link<GroupRequestFrame>, peer: Hello) => LinkEvents<GroupDecisionFrame>) {
    const counters = linkCounters();
    const dialer = new Dialer<GroupRequestFrame, GroupDecisionFrame>({
      dial: (events) => this.#client().dial(groupLink, events),
      codec: groupRequestCodec,
      counters,
      limitBytes,
      hello: () => hello('message'),
      opened,
      config,
      helloMs,
      log: silentLogger,
      address: 'group',
    });
    this.#dialers.push(dialer);
    return { dialer, counters };
  }

  /** Keeps another message node linked to the message node. */
  dialPeer(nodeId: string, opened: (link: Link<PeerQuestionFrame>) => LinkEvents<PeerAnswerFrame>) {
    const counters = linkCounters();
    const dialer = new Dialer<PeerQuestionFrame, PeerAnswerFrame>({
      dial: (events) => this.#client().dial(peerLink, events),
      codec: peerQuestionCodec,
      counters,
      limitBytes,
      hello: () => hello(nodeId),
      opened,
      config,
      helloMs,
      log: silentLogger,
      address: 'message',
    });
    this.#dialers.push(dialer);
    return { dialer, counters };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const dialer of this.#dialers) dialer.stop();
    await this.#server.stop();
  }

  #client(): LinkClient {
    return new LinkClient(`127.0.0.1:${this.#server.port}`, () => credentials.createInsecure());
  }
}

type Accepts = Pick<
  ConstructorParameters<typeof LinkServer>[0],
  'acceptEdge' | 'acceptMessages' | 'acceptPeer'
>;
