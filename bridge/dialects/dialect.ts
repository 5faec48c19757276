import type { Fault } from '../../services/core/fault.ts';
import type { Frame } from '../../services/core/frame.ts';
import type { DialectName } from '../metrics.ts';
import type { BridgeSocket } from '../socket.ts';

/**
 * How a browser's frames are written. Inside, there are only encoded ConnectRequests and ConnectResponses; a dialect
 * turns its own frames into these and back, and knows no chat rules.
 */
export interface Dialect {
  readonly name: DialectName;
  /** Label of metrics. */
  readonly transport: string;
  /** A socket was admitted; the connection node has not heard of it yet. */
  opened?(socket: BridgeSocket): void;
  /** The session is open: signs it in by what its handshake said. */
  begin(socket: BridgeSocket): void;
  /** A frame from the client. Never throws: what can't be understood is answered and costs at most this socket. */
  receive(socket: BridgeSocket, data: Buffer, isBinary: boolean): void;
  /** Encodes a delivered ConnectResponse once, for all the sockets it goes to. */
  encode(frame: Frame): Delivery;
  /** A refusal by the bridge itself, in the dialect's words: whole WebSocket frames. */
  problem(fault: Fault): Buffer;
  /** The socket is gone. */
  closed?(socket: BridgeSocket): void;
}

export interface Delivery {
  /** Writes it to one socket, by at most one write. */
  to(socket: BridgeSocket): void;
}

/** A delivery that is the same for everybody. */
export class SharedDelivery implements Delivery {
  readonly #frames: Buffer;
  readonly #rest: Uint8Array | undefined;

  /** `rest` follows behind `frames`. */
  constructor(frames: Buffer, rest?: Uint8Array) {
    this.#frames = frames;
    this.#rest = rest;
  }

  to(socket: BridgeSocket): void {
    socket.write(this.#frames, this.#rest);
  }
}
