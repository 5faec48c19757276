import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import {
  type AttachRequest,
  type AttachResponseSchema,
  BridgeService,
} from '../../gen/parley/node/v1/bridge_pb.ts';
import type { SessionHost } from '../core/door.ts';
import { Fault } from '../core/fault.ts';
import type { Logger } from '../core/log.ts';
import { AttachedBridge } from './attached-bridge.ts';
import { knowsClusterToken } from '../core/cluster-token.ts';
import { toConnectError } from './faults.ts';

const protocolVersion = 1;
const helloTimeoutMs = 10_000;

/** Largest message of the stream, either way. */
export const maxAttachBytes = 16 * 1024 * 1024;

export interface AttachInit {
  readonly sessions: SessionHost;
  readonly nodeId: string;
  /** Empty in development only. */
  readonly clusterToken: string;
  readonly log: Logger;
}

type Response = MessageInitShape<typeof AttachResponseSchema>;

/** The streams by which remote bridges bring their sessions. */
export class AttachRoute {
  readonly #init: AttachInit;
  readonly #attached = new Set<AttachedBridge>();
  #draining = false;
  #shut = false;

  constructor(init: AttachInit) {
    this.#init = init;
  }

  register(router: ConnectRouter): void {
    router.rpc(BridgeService.method.attach, (requests, context) => this.#attach(requests, context));
  }

  /** Sends bridges elsewhere with the sessions that they open from now on; those that come are refused. */
  drain(): void {
    this.#draining = true;
    for (const bridge of this.#attached) bridge.draining();
  }

  /** As `drain`, until `reopen`. */
  shut(): void {
    this.#shut = true;
    for (const bridge of this.#attached) bridge.draining();
  }

  reopen(): void {
    this.#shut = false;
  }

  /** Why bridges are not taken in now; undefined while they are. */
  get #refusal(): Fault | undefined {
    if (this.#draining) return new Fault('nodeDraining', { message: 'the node is going away' });
    if (this.#shut) return new Fault('upstreamUnavailable', { message: 'no message node is linked here' });
    return undefined;
  }

  async *#attach(
    requests: AsyncIterable<AttachRequest>,
    context: HandlerContext,
  ): AsyncGenerator<Response, void> {
    const { sessions, nodeId, clusterToken, log } = this.#init;
    const reader = requests[Symbol.asyncIterator]();
    const first = await firstOf(reader);
    const bridgeId = admit(first, clusterToken);
    const refusal = this.#refusal;
    if (refusal !== undefined) throw toConnectError(refusal);
    // The answer's headers leave with its first message: without a hello the bridge would wait for them.
    yield hello(nodeId);
    const bridge = new AttachedBridge(sessions);
    this.#attached.add(bridge);
    // While the hello was on its way.
    if (this.#refusal !== undefined) bridge.draining();
    log.info('a bridge is attached', { 'event.action': 'bridge-attached', 'parley.bridge.id': bridgeId });
    const onAbort = (): void => bridge.detach();
    context.signal.addEventListener('abort', onAbort);
    const reading = readAll(bridge, first, reader);
    try {
      for await (const frames of bridge.batches()) yield { frames };
      await reading.promise;
    } finally {
      this.#attached.delete(bridge);
      context.signal.removeEventListener('abort', onAbort);
      bridge.detach();
      log.info('a bridge is gone', { 'event.action': 'bridge-detached', 'parley.bridge.id': bridgeId });
    }
  }
}

function hello(nodeId: string): Response {
  return { frames: [{ frame: { case: 'hello', value: { protocolVersion, nodeId } } }] };
}

/** The first message; a stream that brings none in time is refused. */
async function firstOf(reader: AsyncIterator<AttachRequest>): Promise<AttachRequest> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(toConnectError(new Fault('helloTimeout'))), helloTimeoutMs);
  });
  try {
    const first = await Promise.race([reader.next(), late]);
    if (first.done === true) throw toConnectError(new Fault('helloExpected'));
    return first.value;
  } finally {
    clearTimeout(timer);
  }
}

/** Checks the first message, and answers the bridge's name. */
function admit(request: AttachRequest, clusterToken: string): string {
  const frame = request.frames[0]?.frame;
  if (frame?.case !== 'hello') throw toConnectError(new Fault('helloExpected'));
  const { clusterToken: shown, protocolVersion: version, bridgeId } = frame.value;
  if (!knowsClusterToken(shown, clusterToken))
    throw toConnectError(new Fault('tokenInvalid', { message: 'the cluster token is another one' }));
  if (version !== protocolVersion)
    throw toConnectError(
      new Fault('unsupportedProtocol', {
        message: `this node speaks version ${protocolVersion}, not ${version}`,
      }),
    );
  return bridgeId.slice(0, 64);
}

/** Passes on what the bridge sends until it ends or breaks; then the other direction ends, too. */
function readAll(
  bridge: AttachedBridge,
  first: AttachRequest,
  rest: AsyncIterator<AttachRequest>,
): { readonly promise: Promise<void> } {
  const read = async (): Promise<void> => {
    try {
      for (const frame of first.frames.slice(1)) bridge.take(frame);
      for (let next = await rest.next(); next.done !== true; next = await rest.next())
        for (const frame of next.value.frames) bridge.take(frame);
    } catch (error) {
      throw toConnectError(error);
    } finally {
      bridge.detach();
    }
  };
  const promise = read();
  // It is looked at when the other direction has ended.
  promise.catch(() => {});
  return { promise };
}
