import type { TLSSocket } from 'node:tls';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { Fault } from '../core/fault.ts';
import type { TlsSource } from '../core/certificates.ts';
import { hostPort } from '../core/host-port.ts';
import { LinkTlsListener } from '../core/link-tls-listener.ts';
import type { Logger } from '../core/log.ts';
import type { Service } from '../core/service.ts';
import { admit } from '../peer/admit.ts';
import type { EdgeFrame, OwnerFrame } from '../peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from '../peer/group-frames.ts';
import type { Hello } from '../peer/hello.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import type { LinkList, LinkUp } from '../peer/link-list.ts';
import { groupDecisionCodec, ownerCodec, peerAnswerCodec } from '../peer/link-codecs.ts';
import type { NodeHost } from '../peer/node-caller.ts';
import type { PeerAnswerFrame, PeerQuestionFrame } from '../peer/peer-frames.ts';
import { type LinkCodec, type LinkCounters, StreamLink, type Tagged } from '../peer/stream-link.ts';
import { toStatus } from './faults.ts';
import { serveNodeCalls } from './node-calls.ts';
import { groupLink, linkChannelOptions, ownerLink, peerLink } from './link-methods.ts';
import type { BytesStream } from './session-stream.ts';

type Accept<Out, In> = (link: Link<Out>, peer: Hello) => LinkEvents<In>;

export interface LinkServerParts {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Takes a free port where this one is in use. */
  readonly anyPort?: boolean;
  /** Undefined: without TLS. */
  readonly tls?: TlsSource | undefined;
  /** How this node introduces itself, as of now. */
  readonly hello: () => Hello;
  readonly log: Logger;
  /** Bytes that may wait on one link. */
  readonly limitBytes: number;
  /** How long a caller may take to say hello, in milliseconds. */
  readonly helloMs: number;
  readonly counters: Readonly<Record<'owner' | 'group' | 'peer', LinkCounters>>;
  /** Where links that are up are listed. */
  readonly list?: LinkList;
  /** Answers what the administration asks of this node. */
  readonly nodeHost?: NodeHost;
  /** Where connection nodes link to; absent where no message node is in this process. */
  readonly acceptEdge?: Accept<OwnerFrame, EdgeFrame>;
  /** Where other message nodes and push nodes link to; absent where no message node is in this process. */
  readonly acceptPeer?: Accept<PeerAnswerFrame, PeerQuestionFrame>;
  /** Where message nodes link to; absent where no group node is in this process. */
  readonly acceptMessages?: Accept<GroupDecisionFrame, GroupRequestFrame>;
}

/**
 * The private port on which other nodes link to the message node and the group node of this process, and ask it for the
 * administration.
 */
export class LinkServer implements Service {
  readonly name = 'links';
  readonly #parts: LinkServerParts;
  readonly #server = new Server({ ...linkChannelOptions, 'grpc.max_concurrent_streams': 1_000 });
  readonly #links = new Set<{ close(reason: string): void }>();
  #listener: LinkTlsListener | undefined;
  #port = 0;

  constructor(parts: LinkServerParts) {
    this.#parts = parts;
    const { acceptEdge, acceptPeer, acceptMessages, nodeHost: host, hello, log } = parts;
    if (host !== undefined) serveNodeCalls(this.#server, { host, hello, log });
    if (acceptEdge !== undefined)
      this.#server.addService(
        { linkOwner: ownerLink },
        { linkOwner: (call: BytesStream) => this.#accept(call, ownerCodec, 'owner', acceptEdge) },
      );
    if (acceptPeer !== undefined)
      this.#server.addService(
        { linkPeer: peerLink },
        { linkPeer: (call: BytesStream) => this.#accept(call, peerAnswerCodec, 'peer', acceptPeer) },
      );
    if (acceptMessages !== undefined)
      this.#server.addService(
        { linkGroup: groupLink },
        {
          linkGroup: (call: BytesStream) => this.#accept(call, groupDecisionCodec, 'group', acceptMessages),
        },
      );
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    const { port, anyPort, log } = this.#parts;
    try {
      await this.#listen(port);
    } catch (error) {
      if (anyPort !== true || !/EADDRINUSE/.test((error as Error).message)) throw error;
      log.info('the port for links is in use: a free one is taken', { 'event.action': 'link-port-taken' });
      await this.#listen(0);
    }
    log.info('links are accepted', { 'event.action': 'link-port-open', 'parley.link': this.#port });
  }

  async stop(): Promise<void> {
    for (const link of this.#links) link.close('stopped');
    this.#server.forceShutdown();
    await this.#listener?.close();
  }

  async #listen(port: number): Promise<void> {
    const { host, log, tls } = this.#parts;
    const credentials = ServerCredentials.createInsecure();
    if (tls === undefined) {
      const address = hostPort(host, port);
      this.#port = await new Promise<number>((resolve, reject) => {
        this.#server.bindAsync(address, credentials, (error, bound) =>
          error === null ? resolve(bound) : reject(error),
        );
      });
      return;
    }
    // What comes out of TLS is injected in clear.
    const injector = this.#server.createConnectionInjector(credentials);
    const connection = (socket: TLSSocket): void => injector.injectConnection(socket);
    this.#listener = new LinkTlsListener({ tls, log, connection });
    await this.#listener.listen({ host, port });
    this.#port = this.#listener.port;
  }

  #accept<Out extends Tagged, In extends Tagged>(
    call: BytesStream,
    codec: LinkCodec<Out, In>,
    kind: LinkUp['kind'],
    accept: Accept<Out, In>,
  ): void {
    const { hello, limitBytes, log, helloMs, counters, list } = this.#parts;
    const late = setTimeout(() => refuse(new Fault('helloTimeout')), helloMs);
    const refuse = (fault: Fault | undefined): void => {
      if (fault === undefined) call.end();
      else call.emit('error', toStatus(fault));
    };
    const link = new StreamLink<Out, In>({
      carrier: { write: (message, written) => void call.write(message, written), hangUp: refuse },
      codec,
      counters: counters[kind],
      limitBytes,
      hello,
      calls: false,
      opened: (self, peer) => {
        admit(peer, hello().clusterToken);
        clearTimeout(late);
        log.info('a node has linked', { 'event.action': 'link-accepted', 'parley.peer.node': peer.nodeId });
        const events = accept(self, peer);
        list?.add(self, kind, peer.nodeId);
        return events;
      },
      failed: (error) => log.warn('a link is refused', { 'event.action': 'link-refused' }, error),
    });
    this.#links.add(link);
    call.on('data', (message: Uint8Array) => link.take(message));
    const gone = (reason: string): void => {
      clearTimeout(late);
      this.#links.delete(link);
      list?.remove(link);
      link.down(reason);
    };
    // Whatever the end, one of these comes; the link goes down once.
    call.once('cancelled', () => gone('cancelled'));
    call.once('end', () => {
      call.end();
      gone('ended');
    });
    call.once('error', () => gone('failed'));
  }
}
