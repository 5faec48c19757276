import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  type ChannelCredentials,
  Client,
  Metadata,
  type sendUnaryData,
  type Server,
  type ServerUnaryCall,
  type ServiceError,
} from '@grpc/grpc-js';
import { ErrorSchema } from '../../gen/parley/chat/v1/error_pb.ts';
import { type LinkHello, LinkHelloSchema } from '../../gen/parley/node/v1/link_pb.ts';
import { NodeService } from '../../gen/parley/node/v1/node_pb.ts';
import { Fault, type FaultReason, faults, toFault } from '../core/fault.ts';
import type { TlsSource } from '../core/certificates.ts';
import type { Logger } from '../core/log.ts';
import { admit } from '../peer/admit.ts';
import { type Hello, helloOf, wireHello } from '../peer/hello.ts';
import type { NodeCaller, NodeHost } from '../peer/node-caller.ts';
import { errorKey, toStatus } from './faults.ts';
import { dialCredentials } from './link-credentials.ts';
import { linkChannelOptions } from './link-methods.ts';
import { bytesDefinition, bytesMethod } from './service-definition.ts';

interface ServedParts {
  readonly host: NodeHost;
  readonly hello: () => Hello;
  readonly log: Logger;
}

/** Names the node that is meant, percent-encoded. */
const nodeKey = 'parley-node-id';

/** Calls at once, at most: the administration asks seldom. */
const mostCalls = 256;

/** Answers NodeService on the port for links, for nodes that show who they are. */
export function serveNodeCalls(server: Server, { host, hello, log }: ServedParts): void {
  let calls = 0;
  const serve = async (
    method: DescMethodUnary,
    call: ServerUnaryCall<Uint8Array, Uint8Array>,
    reply: sendUnaryData<Uint8Array>,
  ): Promise<void> => {
    calls += 1;
    try {
      if (calls > mostCalls) throw new Fault('overloaded', { message: 'too many calls at a time' });
      const request = fromBinary(method.input, call.request) as Message & { readonly hello?: LinkHello };
      if (request.hello === undefined) throw new Fault('helloExpected');
      admit(helloOf(request.hello), hello().clusterToken);
      // Where addresses are given out anew, or are those of every machine, it may be somebody else who is reached.
      const [meant] = call.metadata.get(nodeKey);
      if (meant !== encodeURIComponent(hello().nodeId))
        throw new Fault('upstreamUnavailable', { message: `another node answers there: ${hello().nodeId}` });
      reply(null, toBinary(method.output, (await host.answer(method.localName, request)) as Message));
    } catch (error) {
      const fault = toFault(error);
      if (fault.reason === 'internal')
        log.error('a call of another node failed', { 'event.action': 'internal-error' }, fault.cause);
      reply(toStatus(fault));
    } finally {
      calls -= 1;
    }
  };
  server.addService(
    bytesDefinition(NodeService),
    Object.fromEntries(
      NodeService.methods.map((method) => [
        method.localName,
        (call: ServerUnaryCall<Uint8Array, Uint8Array>, reply: sendUnaryData<Uint8Array>) =>
          void serve(method as DescMethodUnary, call, reply),
      ]),
    ),
  );
}

interface DialedParts {
  readonly tls: TlsSource | undefined;
  readonly hello: () => Hello;
}

interface Dialed {
  readonly client: Client;
  readonly idle: NodeJS.Timeout;
  calls: number;
}

/** Connections that are kept for the next call, at most, and how long. */
const mostKept = 256;
const idleMs = 30_000;

/** Calls NodeService of other nodes; keeps a connection for a while, since who looks once looks again. */
export class NodeDialer implements Disposable {
  readonly #parts: DialedParts;
  readonly #credentials: () => ChannelCredentials;
  readonly #dialed = new Map<string, Dialed>();

  constructor(parts: DialedParts) {
    this.#parts = parts;
    this.#credentials = dialCredentials(parts.tls);
  }

  /** The node that has its links at this address. */
  at(address: string, nodeId: string): NodeCaller {
    return {
      call: (method, request, timeoutMs) => this.#call({ address, nodeId }, method, request, timeoutMs),
    };
  }

  [Symbol.dispose](): void {
    for (const address of [...this.#dialed.keys()]) this.#hangUp(address);
  }

  async #call<I extends DescMessage, O extends DescMessage>(
    { address, nodeId }: { readonly address: string; readonly nodeId: string },
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    timeoutMs: number,
  ): Promise<MessageShape<O>> {
    const metadata = new Metadata();
    metadata.set(nodeKey, encodeURIComponent(nodeId));
    const asked: Message & { hello?: LinkHello } = create(method.input, request);
    asked.hello = create(LinkHelloSchema, wireHello(this.#parts.hello()));
    const { path, requestSerialize, responseDeserialize } = bytesMethod(method);
    const bytes = toBinary(method.input, asked as MessageShape<I>);
    const dialed = this.#dial(address);
    dialed.calls += 1;
    try {
      const answer = await new Promise<Uint8Array>((resolve, reject) => {
        dialed.client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          bytes,
          metadata,
          { deadline: Date.now() + timeoutMs },
          (error, response) => {
            if (error === null && response !== undefined) resolve(response);
            else reject(faultOf(error, timeoutMs));
          },
        );
      });
      return fromBinary(method.output, answer);
    } catch (error) {
      // Most likely it has gone: the next call begins anew, unless another one has already.
      if (toFault(error).reason === 'upstreamUnavailable' && this.#dialed.get(address) === dialed)
        this.#hangUp(address);
      throw error;
    } finally {
      dialed.calls -= 1;
    }
  }

  #dial(address: string): Dialed {
    const known = this.#dialed.get(address);
    if (known !== undefined) {
      known.idle.refresh();
      return known;
    }
    const [first] = this.#dialed.keys();
    if (first !== undefined && this.#dialed.size >= mostKept) this.#hangUp(first);
    const client = new Client(address, this.#credentials(), {
      ...linkChannelOptions,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.ssl_target_name_override': 'node',
      'grpc.enable_retries': 0,
    });
    const idle = setTimeout(() => {
      if (dialed.calls > 0) idle.refresh();
      else this.#hangUp(address);
    }, idleMs);
    idle.unref();
    const dialed: Dialed = { client, idle, calls: 0 };
    this.#dialed.set(address, dialed);
    return dialed;
  }

  #hangUp(address: string): void {
    const dialed = this.#dialed.get(address);
    if (dialed === undefined) return;
    this.#dialed.delete(address);
    clearTimeout(dialed.idle);
    dialed.client.close();
  }
}

/** What the other node said, or that it said nothing. */
function faultOf(error: ServiceError | null, timeoutMs: number): Fault {
  const [detail] = error?.metadata?.get(errorKey) ?? [];
  if (detail instanceof Uint8Array) {
    const { reason, message, field, retryAfterMs } = fromBinary(ErrorSchema, detail);
    if (Object.hasOwn(faults, reason))
      return new Fault(reason as FaultReason, { message, field, retryAfterMs });
  }
  const deadlineExceeded = 4;
  const why =
    error?.code === deadlineExceeded ? `no answer within ${timeoutMs} ms` : (error?.details ?? 'no answer');
  return new Fault('upstreamUnavailable', { message: why, retryAfterMs: 1_000 });
}
