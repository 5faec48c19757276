import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { Fault } from '../services/core/fault.ts';
import type { TokenBucket } from '../services/core/token-bucket.ts';
import { closeReason } from './close-reason.ts';
import type { Dialect } from './dialects/dialect.ts';
import type { Client } from './handshake.ts';

/** What a socket needs of the door it came in by. */
export interface SocketOwner {
  readonly highWaterBytes: number;
  readonly maxUnsentBytes: number;
  forward(socket: BridgeSocket, frame: Uint8Array): void;
  received(bytes: number): void;
  wrote(bytes: number): void;
  /** The measure of what a socket sends, and how long to read no further after so many bytes. */
  newPace(): TokenBucket;
  toWait(pace: TokenBucket, bytes: number): number;
  malformed(socket: BridgeSocket, fault: Fault): void;
  slow(socket: BridgeSocket): void;
  drained(socket: BridgeSocket): void;
  gaveUp(socket: BridgeSocket): void;
  /** The TCP connection is gone. Called once. */
  closed(socket: BridgeSocket): void;
}

/**
 * A browser's WebSocket. `ws` reads, and writes control frames; delivered frames go straight to the TCP socket, framed
 * once for all their receivers. Both write synchronously and in whole frames, so they never mix (`ws` queues only what
 * it compresses, and compression is off).
 */
export class BridgeSocket extends WebSocket {
  /** 0 until the socket is admitted. */
  session = 0;
  client!: Client;
  dialect!: Dialect;
  /** What the dialect keeps about this socket. */
  state: unknown;
  /** Above the high-water mark: it gets nothing pushed until it has drained. */
  congested = false;
  #net!: Socket;
  #owner!: SocketOwner;
  #pace: TokenBucket | undefined;

  /** From here on the socket has a session. Called once, right after the handshake. */
  admit(session: number, client: Client, net: Socket, owner: SocketOwner): void {
    this.session = session;
    this.client = client;
    this.dialect = client.dialect;
    this.#net = net;
    this.#owner = owner;
    this.on('message', onMessage);
    this.on('error', ignore);
    this.on('close', onClose);
  }

  /** An encoded ConnectRequest for the connection node. */
  forward(frame: Uint8Array): void {
    if (this.readyState === WebSocket.OPEN) this.#owner.forward(this, frame);
  }

  /** A frame from the client. */
  receive(data: Buffer, isBinary: boolean): void {
    if (this.readyState !== WebSocket.OPEN) return;
    this.#owner.received(data.length);
    this.dialect.receive(this, data, isBinary);
    this.#keepPace(data.length);
  }

  gone(): void {
    this.#owner.closed(this);
  }

  /** Writes whole WebSocket frames, of which `rest` is the end. The buffers may be shared: they are not changed. */
  write(frames: Buffer, rest?: Uint8Array): void {
    if (this.readyState !== WebSocket.OPEN) return;
    this.#owner.wrote(frames.length + (rest?.length ?? 0));
    if (rest === undefined ? this.#net.write(frames) : this.#writeBoth(frames, rest)) return;
    const unsent = this.#net.writableLength;
    // A close frame would wait behind megabytes that nobody reads.
    if (unsent > this.#owner.maxUnsentBytes) this.terminate();
    else if (unsent > this.#owner.highWaterBytes && !this.congested) this.#waitForDrain();
  }

  /** In one call of the operating system, and without copying them into one buffer. */
  #writeBoth(frames: Buffer, rest: Uint8Array): boolean {
    this.#net.cork();
    this.#net.write(frames);
    const drained = this.#net.write(rest);
    this.#net.uncork();
    return drained;
  }

  /** What was written and has not reached the operating system. */
  get unsentBytes(): number {
    return this.#net.writableLength;
  }

  /** Whether all that was written has reached the operating system. */
  get flushed(): boolean {
    return this.unsentBytes === 0;
  }

  /** Tells the client of its mistake, and goes on. */
  warn(fault: Fault): void {
    this.#owner.malformed(this, fault);
    this.write(this.dialect.problem(fault));
  }

  /** Tells the client of its mistake, and closes. */
  fail(fault: Fault): void {
    this.#owner.malformed(this, fault);
    this.end(fault);
  }

  /** Says why, and closes. */
  end(fault: Fault): void {
    this.write(this.dialect.problem(fault));
    this.close(fault.spec.closeCode, closeReason(fault));
  }

  /** `ws` closes by itself and without a reason when a frame breaks the protocol: say what was wrong first. */
  override close(code?: number, data?: string | Buffer): void {
    const fault = data === undefined && this.session !== 0 ? protocolFault(code) : undefined;
    if (fault === undefined) {
      super.close(code, data);
      return;
    }
    this.warn(fault);
    super.close(code, closeReason(fault));
  }

  /** `ws` does this when a client pings and doesn't take the pongs. */
  override terminate(): void {
    if (this.readyState === WebSocket.OPEN && this.session !== 0) this.#owner.gaveUp(this);
    super.terminate();
  }

  /** Who sends faster than everybody may is read more slowly: the rest waits on their side. */
  #keepPace(bytes: number): void {
    this.#pace ??= this.#owner.newPace();
    const waitMs = this.#owner.toWait(this.#pace, bytes);
    if (waitMs === 0 || this.isPaused) return;
    this.pause();
    setTimeout(() => this.resume(), waitMs).unref();
  }

  #waitForDrain(): void {
    this.congested = true;
    this.#owner.slow(this);
    this.#net.once('drain', () => {
      this.congested = false;
      if (this.readyState === WebSocket.OPEN) this.#owner.drained(this);
    });
  }
}

/** What it means that `ws` closes with this code. */
function protocolFault(code: number | undefined): Fault | undefined {
  if (code === 1009) return new Fault('frameTooLarge', { message: 'the frame is larger than allowed' });
  if (code === 1007) return new Fault('malformedFrame', { message: 'a text frame is not UTF-8' });
  if (code === 1002) return new Fault('malformedFrame', { message: 'not a valid WebSocket frame' });
  if (code === 1008) return new Fault('malformedFrame', { message: 'the message has too many fragments' });
  return undefined;
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  (this as BridgeSocket).receive(data as Buffer, isBinary);
}

function onClose(this: WebSocket): void {
  (this as BridgeSocket).gone();
}

/** `ws` closes the socket by itself after an error. */
function ignore(): void {}
