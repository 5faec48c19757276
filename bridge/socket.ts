import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Fault } from '../services/core/fault.ts';
import { Fault as FaultError } from '../services/core/fault.ts';
import type { Dialect } from './dialects/dialect.ts';
import type { Client } from './handshake.ts';
import { closeReason } from './close-reason.ts';

/** What a socket needs of the door it came in by. */
export interface SocketOwner {
  readonly highWaterBytes: number;
  readonly maxUnsentBytes: number;
  forward(socket: BridgeSocket, frame: Uint8Array): void;
  wrote(bytes: number): void;
  malformed(socket: BridgeSocket): void;
  congested(socket: BridgeSocket): void;
  drained(socket: BridgeSocket): void;
}

/**
 * A browser's WebSocket. `ws` reads, and writes control frames; delivered frames go straight to the TCP socket, framed
 * once for all their receivers. Both write synchronously and in whole frames, so they never mix (`ws` queues only what
 * it compresses, and compression is off).
 */
export class BridgeSocket extends WebSocket {
  /** 0 until the socket is admitted. */
  session = 0;
  dialect!: Dialect;
  client!: Client;
  /** What the dialect keeps about this socket. */
  state: unknown;
  #net!: Socket;
  #owner!: SocketOwner;
  #congested = false;

  admit(session: number, client: Client, net: Socket, owner: SocketOwner): void {
    this.session = session;
    this.client = client;
    this.dialect = client.dialect;
    this.#net = net;
    this.#owner = owner;
  }

  /** An encoded ConnectRequest for the connection node. */
  forward(frame: Uint8Array): void {
    this.#owner.forward(this, frame);
  }

  /** Writes whole WebSocket frames. The buffer is shared: it is not changed. */
  write(frames: Buffer): void {
    if (this.readyState !== WebSocket.OPEN) return;
    this.#owner.wrote(frames.length);
    if (this.#net.write(frames)) return;
    const unsent = this.#net.writableLength;
    if (unsent > this.#owner.maxUnsentBytes) this.#giveUp();
    else if (unsent > this.#owner.highWaterBytes && !this.#congested) this.#congest();
  }

  /** Whether all that was written has reached the operating system. */
  get flushed(): boolean {
    return this.#net.writableLength === 0;
  }

  get readsSlowly(): boolean {
    return this.#congested;
  }

  /** Tells the client of its mistake, and goes on. */
  warn(fault: Fault): void {
    this.#owner.malformed(this);
    this.write(this.dialect.problem(fault));
  }

  /** Tells the client of its mistake, and closes. */
  fail(fault: Fault): void {
    this.warn(fault);
    this.close(fault.spec.closeCode, closeReason(fault));
  }

  /** `ws` closes by itself, without a reason, when a frame breaks the protocol: say what was wrong first. */
  override close(code?: number, data?: string | Buffer): void {
    if (data === undefined && this.session !== 0 && this.readyState === WebSocket.OPEN) {
      const fault = protocolFault(code);
      if (fault !== undefined) {
        this.warn(fault);
        super.close(code, closeReason(fault));
        return;
      }
    }
    super.close(code, data);
  }

  #congest(): void {
    this.#congested = true;
    this.#owner.congested(this);
    this.#net.once('drain', () => {
      this.#congested = false;
      if (this.readyState === WebSocket.OPEN) this.#owner.drained(this);
    });
  }

  #giveUp(): void {
    this.close(new FaultError('slowConsumer').spec.closeCode, 'slowConsumer');
    // The close frame waits behind megabytes that nobody reads.
    this.terminate();
  }
}

/** What it means that `ws` closes with this code. */
function protocolFault(code: number | undefined): Fault | undefined {
  if (code === 1009) return new FaultError('frameTooLarge', { message: 'the frame is larger than allowed' });
  if (code === 1007) return new FaultError('malformedFrame', { message: 'a text frame is not UTF-8' });
  if (code === 1002) return new FaultError('malformedFrame', { message: 'not a valid WebSocket frame' });
  if (code === 1008)
    return new FaultError('malformedFrame', { message: 'the message has too many fragments' });
  return undefined;
}
