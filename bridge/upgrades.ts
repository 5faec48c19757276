import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ServerOptions, WebSocketServer } from 'ws';
import { Fault, toFault } from '../services/core/fault.ts';
import type { Dialects } from './dialects/dialects.ts';
import { type GuardConfig, guardRequest } from './guard.ts';
import type { HalfOpen } from './half-open.ts';
import { type Client, readHandshake } from './handshake.ts';
import { pathOf } from './http-types.ts';
import { endWithProblem } from './http-versions.ts';
import type { BridgeCounters, RefusalReason } from './metrics.ts';
import type { BridgeConfig } from './options.ts';
import { faultProblem, type Problem, problem } from './problem.ts';
import { remoteAddressOf } from './remote-address.ts';
import { BridgeSocket } from './socket.ts';
import type { SocketDoor } from './socket-door.ts';

const maxFragments = 256;
const maxBufferedChunks = 8_192;
/** A client that does not answer a close frame within this time is cut off. */
const closeTimeoutMs = 5_000;

export interface UpgradesInit {
  readonly config: BridgeConfig;
  readonly guard: GuardConfig;
  readonly counters: BridgeCounters;
  readonly dialects: Dialects;
  readonly door: SocketDoor;
  readonly halfOpen: HalfOpen;
}

/** Turns WebSocket handshakes into admitted sockets, or refuses them with a status and a reason. */
export class Upgrades {
  readonly #init: UpgradesInit;
  readonly #server: WebSocketServer;
  /** What was read of a handshake, from its check to its answer. */
  readonly #clients = new WeakMap<IncomingMessage, Client>();

  constructor(init: UpgradesInit) {
    this.#init = init;
    const options: ServerOptions<typeof BridgeSocket> & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      WebSocket: BridgeSocket,
      perMessageDeflate: false,
      maxPayload: init.config.maxFrameBytes,
      maxFragments,
      maxBufferedChunks,
      closeTimeout: closeTimeoutMs,
      handleProtocols: (_offered, request) => this.#clients.get(request)?.protocol ?? false,
    };
    this.#server = new WebSocketServer(options);
    this.#server.on('wsClientError', (error: Error, socket: Duplex) => {
      this.#refuse(socket, 'badRequest', problem(400, 'badRequest', error.message));
    });
  }

  /** `path` is the only one taken; undefined takes any. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer, path?: string): void {
    const { config, guard, dialects, door, halfOpen } = this.#init;
    halfOpen.leave(socket);
    const refusal = guardRequest(request.headers, guard);
    if (refusal !== undefined) {
      this.#refuse(socket, refusal.reason, problem(403, refusal.reason, refusal.message));
      return;
    }
    if (path !== undefined && pathOf(request.url ?? '/') !== path) {
      this.#refuse(socket, 'badRequest', problem(404, 'notFound', `WebSocket is on ${path}`));
      return;
    }
    const address = remoteAddressOf(request, config.trustedProxies);
    try {
      this.#checkRoom(address);
      this.#clients.set(request, readHandshake(request, address, dialects));
    } catch (error) {
      const fault = toFault(error);
      if (fault.reason === 'unsupportedProtocol')
        this.#refuse(socket, fault.reason, { ...faultProblem(fault), code: 400 });
      else this.#refuse(socket, 'tooManySockets', faultProblem(fault));
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      // No closure may outlive this call: it would keep the request in memory as long as the socket.
      const opened = webSocket as BridgeSocket;
      opened.admit(door.nextSession(), this.#clients.get(request) as Client, socket as Socket, door);
      door.open(opened);
    });
  }

  #checkRoom(address: string): void {
    const { config, door } = this.#init;
    if (door.size >= config.maxSockets)
      throw new Fault('tooManyConnections', { message: 'this node has as many connections as it takes' });
    if (door.sizeOf(address) >= config.maxSocketsPerAddress)
      throw new Fault('tooManyConnections', { message: 'too many connections from this address' });
  }

  #refuse(socket: Duplex, counted: RefusalReason, what: Problem): void {
    this.#init.counters.refused[counted] += 1;
    endWithProblem(socket, what);
  }
}
