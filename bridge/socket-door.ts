import type { DoorInlet, DoorOutlet, SessionHost } from '../services/core/door.ts';
import type { Delivery } from './dialects/dialect.ts';
import { helloFrame } from './hello.ts';
import type { BridgeCounters, DialectName } from './metrics.ts';
import type { BridgeSocket, SocketOwner } from './socket.ts';
import { cutReason } from './close-reason.ts';

export interface SocketDoorInit {
  readonly sessions: SessionHost;
  readonly counters: BridgeCounters;
  readonly highWaterBytes: number;
  readonly maxUnsentBytes: number;
}

/** Joins the sockets to the connection node: numbers them, passes frames both ways, reports who reads slowly. */
export class SocketDoor implements DoorOutlet, SocketOwner {
  readonly highWaterBytes: number;
  readonly maxUnsentBytes: number;
  readonly #counters: BridgeCounters;
  readonly #inlet: DoorInlet;
  readonly #sockets = new Map<number, BridgeSocket>();
  #lastSession = 0;

  constructor(init: SocketDoorInit) {
    this.highWaterBytes = init.highWaterBytes;
    this.maxUnsentBytes = init.maxUnsentBytes;
    this.#counters = init.counters;
    this.#inlet = init.sessions.attach(this);
  }

  get size(): number {
    return this.#sockets.size;
  }

  nextSession(): number {
    this.#lastSession += 1;
    return this.#lastSession;
  }

  /** Takes in an admitted socket; signs it in when its handshake said who it is. */
  open(socket: BridgeSocket): void {
    const { session, dialect, client } = socket;
    this.#sockets.set(session, socket);
    this.#counters.socketsOpen[dialect.name] += 1;
    this.#counters.socketsOpened[dialect.name] += 1;
    socket.on('message', onMessage);
    socket.on('error', ignore);
    socket.once('close', () => this.#closed(socket));
    this.#inlet.open(session, { remoteAddress: client.remoteAddress, transport: dialect.transport });
    if (client.token !== '' || client.userId !== '') this.#inlet.data(session, helloFrame(client));
  }

  forward(socket: BridgeSocket, frame: Uint8Array): void {
    this.#inlet.data(socket.session, ownBuffer(frame));
  }

  received(bytes: number): void {
    this.#counters.framesIn += 1;
    this.#counters.bytesIn += bytes;
  }

  wrote(bytes: number): void {
    this.#counters.writes += 1;
    this.#counters.bytesOut += bytes;
  }

  malformed(socket: BridgeSocket): void {
    this.#counters.malformedFrames[socket.dialect.name] += 1;
  }

  congested(socket: BridgeSocket): void {
    this.#counters.pauses += 1;
    this.#inlet.paused(socket.session);
  }

  drained(socket: BridgeSocket): void {
    this.#inlet.resumed(socket.session);
  }

  deliver(sessions: readonly number[], frame: Uint8Array): void {
    const encoded: Partial<Record<DialectName, Delivery>> = {};
    for (let i = 0; i < sessions.length; i += 1) {
      const socket = this.#sockets.get(sessions[i] as number);
      if (socket === undefined) continue;
      const { dialect } = socket;
      let delivery = encoded[dialect.name];
      if (delivery === undefined) {
        delivery = dialect.encode(frame);
        encoded[dialect.name] = delivery;
      }
      delivery.to(socket);
    }
  }

  close(session: number, code: number, reason: string): void {
    this.#sockets.get(session)?.close(code, cutReason(reason));
  }

  /** Closes all sockets with this code, and leaves the connection node. */
  detach(code: number, reason: string): void {
    for (const socket of this.#sockets.values()) socket.close(code, reason);
    this.#inlet.detach();
  }

  #closed(socket: BridgeSocket): void {
    if (!this.#sockets.delete(socket.session)) return;
    this.#counters.socketsOpen[socket.dialect.name] -= 1;
    socket.dialect.closed?.(socket);
    this.#inlet.closed(socket.session);
  }
}

function onMessage(this: unknown, data: unknown, isBinary: boolean): void {
  const socket = this as BridgeSocket;
  socket.dialect.receive(socket, data as Buffer, isBinary);
}

/** `ws` closes the socket by itself after an error. */
function ignore(): void {}

/** A small view would keep the whole read buffer alive behind it: copy it out. */
function ownBuffer(frame: Uint8Array): Uint8Array {
  return frame.byteLength * 4 >= frame.buffer.byteLength ? frame : new Uint8Array(frame);
}
