import { type DescMethodUnary, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import type { sendUnaryData, Server, ServerUnaryCall, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { UnaryHost } from '../core/door.ts';
import { Fault, toFault } from '../core/fault.ts';
import { FrameTally } from '../core/frame-tally.ts';
import type { Logger } from '../core/log.ts';
import { callContext } from './call-context.ts';
import { unaryServices } from './chat-services.ts';
import { toStatus } from './faults.ts';
import { bytesDefinition } from './service-definition.ts';

type UnaryCall = ServerUnaryCall<Uint8Array, Uint8Array>;

/** Calls that are being carried out at a time, at most; each may hold a request of the largest size. */
const maxCalls = 4_096;

/** The unary services, each call carried out by the host. */
export class UnaryRoutes {
  readonly #host: UnaryHost;
  readonly #log: Logger;
  readonly #trustedProxies: number;
  #calls = 0;
  #idle: (() => void) | undefined;

  constructor(parts: {
    readonly host: UnaryHost;
    readonly log: Logger;
    /** Proxies in front that say for whom they call. */
    readonly trustedProxies: number;
  }) {
    this.#host = parts.host;
    this.#log = parts.log;
    this.#trustedProxies = parts.trustedProxies;
  }

  addTo(server: Server): void {
    for (const service of unaryServices) {
      const handlers: UntypedServiceImplementation = {};
      for (const method of service.methods) {
        handlers[method.localName] = (call: UnaryCall, reply: sendUnaryData<Uint8Array>) =>
          void this.#serve(method as DescMethodUnary, call, reply);
      }
      server.addService(bytesDefinition(service), handlers);
    }
  }

  async #serve(method: DescMethodUnary, call: UnaryCall, reply: sendUnaryData<Uint8Array>): Promise<void> {
    if (this.#calls >= maxCalls) {
      reply(toStatus(new Fault('overloaded', { message: 'too many calls at a time' })));
      return;
    }
    this.#calls++;
    const rpc = `${method.parent.typeName}/${method.name}`;
    try {
      const request = decode(method, call.request);
      const response = await this.#host.call(rpc, request, callContext(call, this.#trustedProxies));
      reply(null, toBinary(method.output, response as Message));
    } catch (error) {
      const fault = toFault(error);
      if (fault.reason === 'internal')
        this.#log.error('call failed', { 'parley.rpc': rpc }, fault.cause ?? fault);
      reply(toStatus(fault));
    } finally {
      this.#calls--;
      if (this.#calls === 0) this.#idle?.();
    }
  }

  /** Resolves when no call is being carried out, or when the time is over. */
  async settled(deadlineMs: number): Promise<void> {
    if (this.#calls === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadlineMs);
      this.#idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function decode(method: DescMethodUnary, bytes: Uint8Array): Message {
  new FrameTally().message(method.input, bytes);
  try {
    // Nobody looks at what this server doesn't know, and keeping it costs more than all the rest.
    return fromBinary(method.input, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw new Fault('malformedFrame', { message: `not an encoded ${method.input.typeName}`, cause });
  }
}
