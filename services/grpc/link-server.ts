import type { TLSSocket } from 'node:tls';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { Fault } from '../core/fault.ts';
import type { LinkTls } from '../core/link-tls.ts';
import { LinkTlsListener } from '../core/link-tls-listener.ts';
import type { Logger } from '../core/log.ts';
import type { Service } from '../core/service.ts';
import { admit } from '../peer/admit.ts';
import type { EdgeFrame, OwnerFrame } from '../peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from '../peer/group-frames.ts';
import type { Hello } from '../peer/hello.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import { groupDecisionCodec, ownerCodec, peerAnswerCodec } from '../peer/link-codecs.ts';
import type { PeerAnswerFrame, PeerQuestionFrame } from '../peer/peer-frames.ts';
import { type LinkCodec, type LinkCounters, StreamLink, type Tagged } from '../peer/stream-link.ts';
import { toStatus } from './faults.ts';
import { groupLink, linkChannelOptions, ownerLink, peerLink } from './link-methods.ts';
import type { BytesStream } from './session-stream.ts';

type Accept<Out, In> = (link: Link<Out>, peer: Hello) => LinkEvents<In>;

export interface LinkServerParts {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Undefined: without TLS. */
  readonly tls?: LinkTls | undefined;
  /** How this node introduces itself, as of now. */
  readonly hello: () => Hello;
  readonly log: Logger;
  /** Bytes that may wait on one link. */
  readonly limitBytes: number;
  /** How long a caller may take to say hello, in milliseconds. */
  readonly helloMs: number;
  readonly counters: Readonly<Record<'owner' | 'group' | 'peer', LinkCounters>>;
  /** Where connection nodes link to; absent where no message node is in this process. */
  readonly acceptEdge?: Accept<OwnerFrame, EdgeFrame>;
  /** Where other message nodes and push nodes link to; absent where no message node is in this process. */
  readonly acceptPeer?: Accept<PeerAnswerFrame, PeerQuestionFrame>;
  /** Where message nodes link to; absent where no group node is in this process. */
  readonly acceptMessages?: Accept<GroupDecisionFrame, GroupRequestFrame>;
}

/** The private port on which other nodes link to the message node and the group node of this process. */
export class LinkServer implements Service {
  readonly name = 'links';
  readonly #parts: LinkServerParts;
  readonly #server = new Server({ ...linkChannelOptions, 'grpc.max_concurrent_streams': 1_000 });
  readonly #links = new Set<{ close(reason: string): void }>();
  #listener: LinkTlsListener | undefined;
  #port = 0;

  constructor(parts: LinkServerParts) {
    this.#parts = parts;
    const { acceptEdge, acceptPeer, acceptMessages, counters } = parts;
    if (acceptEdge !== undefined)
      this.#server.addService(
        { linkOwner: ownerLink },
        { linkOwner: (call: BytesStream) => this.#accept(call, ownerCodec, counters.owner, acceptEdge) },
      );
    if (acceptPeer !== undefined)
      this.#server.addService(
        { linkPeer: peerLink },
        { linkPeer: (call: BytesStream) => this.#accept(call, peerAnswerCodec, counters.peer, acceptPeer) },
      );
    if (acceptMessages !== undefined)
      this.#server.addService(
        { linkGroup: groupLink },
        {
          linkGroup: (call: BytesStream) =>
            this.#accept(call, groupDecisionCodec, counters.group, acceptMessages),
        },
      );
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    const { host, port, log, tls } = this.#parts;
    const credentials = ServerCredentials.createInsecure();
    if (tls === undefined) {
      const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
      this.#port = await new Promise<number>((resolve, reject) => {
        this.#server.bindAsync(address, credentials, (error, bound) =>
          error === null ? resolve(bound) : reject(error),
        );
      });
    } else {
      // What comes out of TLS is injected in clear.
      const injector = this.#server.createConnectionInjector(credentials);
      const connection = (socket: TLSSocket): void => injector.injectConnection(socket);
      this.#listener = new LinkTlsListener({ tls, log, connection });
      await this.#listener.listen({ host, port });
      this.#port = this.#listener.port;
    }
    log.info('links are accepted', { 'event.action': 'link-port-open', 'parley.link.port': this.#port });
  }

  async stop(): Promise<void> {
    for (const link of this.#links) link.close('stopped');
    this.#server.forceShutdown();
    await this.#listener?.close();
  }

  #accept<Out extends Tagged, In extends Tagged>(
    call: BytesStream,
    codec: LinkCodec<Out, In>,
    counters: LinkCounters,
    accept: Accept<Out, In>,
  ): void {
    const { hello, limitBytes, log, helloMs } = this.#parts;
    const late = setTimeout(() => refuse(new Fault('helloTimeout')), helloMs);
    const refuse = (fault: Fault | undefined): void => {
      if (fault === undefined) call.end();
      else call.emit('error', toStatus(fault));
    };
    const link = new StreamLink<Out, In>({
      carrier: { write: (message, written) => void call.write(message, written), hangUp: refuse },
      codec,
      counters,
      limitBytes,
      hello,
      calls: false,
      opened: (self, peer) => {
        admit(peer, hello().clusterToken);
        clearTimeout(late);
        log.info('a node has linked', { 'event.action': 'link-accepted', 'parley.link.node': peer.nodeId });
        return accept(self, peer);
      },
      failed: (error) => log.warn('a link is refused', { 'event.action': 'link-refused' }, error),
    });
    this.#links.add(link);
    call.on('data', (message: Uint8Array) => link.take(message));
    const gone = (reason: string): void => {
      clearTimeout(late);
      this.#links.delete(link);
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
