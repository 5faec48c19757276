import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ServerOptions, WebSocketServer } from 'ws';
import { Fault, toFault } from '../services/core/fault.ts';
import { guardRequest } from './guard.ts';
import type { HalfOpen } from './half-open.ts';
import { type Client, readHandshake } from './handshake.ts';
import { pathOf } from './http-types.ts';
import type { BridgeCounters } from './metrics.ts';
import type { BridgeConfig } from './options.ts';
import { faultProblem, type Problem, problem } from './problem.ts';
import { remoteAddressOf } from './remote-address.ts';
import { BridgeSocket } from './socket.ts';
import type { SocketDoor } from './socket-door.ts';

export interface UpgradesInit {
  readonly config: BridgeConfig;
  readonly counters: BridgeCounters;
  readonly door: SocketDoor;
  readonly halfOpen: HalfOpen;
}

/** Turns WebSocket handshakes into admitted sockets, or refuses them with a status and a reason. */
export class Upgrades {
  readonly #init: UpgradesInit;
  readonly #server: WebSocketServer;
  readonly #perAddress = new Map<string, number>();

  constructor(init: UpgradesInit) {
    this.#init = init;
    const options: ServerOptions<typeof BridgeSocket> & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      WebSocket: BridgeSocket,
      perMessageDeflate: false,
      maxPayload: init.config.maxFrameBytes,
      maxFragments: 256,
      maxBufferedChunks: 8192,
      closeTimeout: 5_000,
      handleProtocols: (_offered, request) => clients.get(request)?.protocol ?? false,
    };
    this.#server = new WebSocketServer(options);
    this.#server.on('wsClientError', (error: Error, socket: Duplex) => {
      this.#refuse(socket, problem(400, 'badRequest', error.message));
    });
  }

  /** `path` is the only one taken; undefined takes any. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer, path?: string): void {
    const { config, counters, door, halfOpen } = this.#init;
    halfOpen.leave(socket);
    const refusal = guardRequest(request.headers, config);
    if (refusal !== undefined) {
      counters.refused[refusal.reason] += 1;
      this.#refuse(socket, problem(403, refusal.reason, refusal.message));
      return;
    }
    if (path !== undefined && pathOf(request.url ?? '/') !== path) {
      counters.refused.badRequest += 1;
      this.#refuse(socket, problem(404, 'notFound', `WebSocket is on ${path}`));
      return;
    }
    const address = remoteAddressOf(request, config.trustedProxies);
    let client: Client;
    try {
      this.#admit(address);
      client = readHandshake(request, address);
    } catch (error) {
      const fault = toFault(error);
      counters.refused[fault.reason === 'unsupportedProtocol' ? 'unsupportedProtocol' : 'tooManySockets'] +=
        1;
      this.#refuse(socket, faultProblem(fault));
      return;
    }
    clients.set(request, client);
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const opened = webSocket as BridgeSocket;
      this.#count(address, 1);
      opened.once('close', () => this.#count(address, -1));
      opened.admit(door.nextSession(), client, socket as Socket, door);
      door.open(opened);
    });
  }

  #admit(address: string): void {
    const { config, door } = this.#init;
    if (door.size >= config.maxSockets)
      throw new Fault('tooManyConnections', { message: 'this node has as many connections as it takes' });
    if ((this.#perAddress.get(address) ?? 0) >= config.maxSocketsPerAddress)
      throw new Fault('tooManyConnections', { message: 'too many connections from this address' });
  }

  #count(address: string, by: number): void {
    const count = (this.#perAddress.get(address) ?? 0) + by;
    if (count === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, count);
  }

  #refuse(socket: Duplex, what: Problem): void {
    const body = `${JSON.stringify(what)}\n`;
    socket.once('finish', () => socket.destroy());
    socket.end(
      `HTTP/1.1 ${what.code} ${STATUS_CODES[what.code] ?? ''}\r\nconnection: close\r\n` +
        `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
}

/** What `handleProtocols` answers with is decided before it is asked. */
const clients = new WeakMap<IncomingMessage, Client>();
