import type { Socket } from 'node:net';
import { type ByteSink, openSocket } from '../raw-socket.ts';
import type { PayloadSink } from '../ws-connection.ts';
import {
  callHeaders,
  frameType,
  h2Frame,
  h2HeaderBytes,
  preface,
  putH2Header,
  setting,
} from './h2-frames.ts';
import type { Transport } from './transport.ts';

const streamId = 1;
const endStream = 0x1;
const ack = 0x1;
const padded = 0x8;
const prefixBytes = 5;
const defaultWindow = 65_535;
/** What the server may send before it must be told to go on: topped up long before it is used up. */
const topUpBytes = 1 << 24;

/** One bidirectional gRPC call on a connection of its own, over HTTP/2 without TLS, on a bare socket. */
export class GrpcConnection implements ByteSink, Transport {
  readonly #port: number;
  readonly #path: string;
  readonly #sink: PayloadSink;
  #socket: Socket | undefined;
  #ended = false;
  // What we may send.
  #connectionWindow = defaultWindow;
  #streamWindow = defaultWindow;
  #initialWindow = defaultWindow;
  #waiting: Buffer[] = [];
  // The HTTP/2 frame being read.
  readonly #header = Buffer.alloc(h2HeaderBytes);
  #headerLength = 0;
  #type = 0;
  #flags = 0;
  #remaining = 0;
  #control: Buffer[] = [];
  #received = 0;
  // The gRPC message being read.
  readonly #prefix = Buffer.alloc(prefixBytes);
  #prefixLength = 0;
  #messageRemaining = 0;

  constructor(port: number, path: string, sink: PayloadSink) {
    this.#port = port;
    this.#path = path;
    this.#sink = sink;
  }

  async open(): Promise<void> {
    this.#socket = await openSocket(this.#port, '127.0.0.1', this);
    this.#socket.write(
      Buffer.concat([
        preface,
        callHeaders({ streamId, path: this.#path, authority: `127.0.0.1:${this.#port}` }),
      ]),
    );
  }

  headerBytes(): number {
    return h2HeaderBytes + prefixBytes;
  }

  putHeader(into: Buffer, payload: number): number {
    const at = putH2Header(into, prefixBytes + payload, frameType.data, 0, streamId);
    into[at] = 0; // not compressed
    return into.writeUInt32BE(payload, at + 1);
  }

  write(frame: Buffer): void {
    const length = frame.length - h2HeaderBytes;
    if (this.#waiting.length > 0 || length > this.#connectionWindow || length > this.#streamWindow) {
      this.#waiting.push(frame);
      return;
    }
    this.#connectionWindow -= length;
    this.#streamWindow -= length;
    this.#socket?.write(frame);
  }

  destroy(): void {
    this.#ended = true;
    this.#socket?.resetAndDestroy();
  }

  ended(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#sink.ended(why);
  }

  bytes(buffer: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#remaining === 0) {
        this.#header[this.#headerLength++] = buffer[at++] as number;
        if (this.#headerLength < h2HeaderBytes) continue;
        this.#headerLength = 0;
        this.#remaining = this.#header.readUIntBE(0, 3);
        this.#type = this.#header[3] as number;
        this.#flags = this.#header[4] as number;
        if (this.#remaining === 0) this.#frameEnd();
        continue;
      }
      const stop = Math.min(end, at + this.#remaining);
      this.#remaining -= stop - at;
      if (this.#type === frameType.data) this.#data(buffer, at, stop);
      else this.#control.push(Buffer.from(buffer.subarray(at, stop)));
      if (this.#remaining === 0) this.#frameEnd();
      at = stop;
    }
  }

  #data(buffer: Buffer, start: number, end: number): void {
    if ((this.#flags & padded) !== 0) return this.ended('padded frames are not supported');
    this.#received += end - start;
    let at = start;
    while (at < end) {
      if (this.#messageRemaining === 0) {
        this.#prefix[this.#prefixLength++] = buffer[at++] as number;
        if (this.#prefixLength < prefixBytes) continue;
        this.#prefixLength = 0;
        this.#messageRemaining = this.#prefix.readUInt32BE(1);
        continue;
      }
      const stop = Math.min(end, at + this.#messageRemaining);
      this.#messageRemaining -= stop - at;
      this.#sink.payload(buffer, at, stop, this.#messageRemaining === 0);
      at = stop;
    }
  }

  #frameEnd(): void {
    const body = this.#control.length === 1 ? (this.#control[0] as Buffer) : Buffer.concat(this.#control);
    this.#control = [];
    switch (this.#type) {
      case frameType.data:
        if (this.#received >= topUpBytes) this.#topUp();
        break;
      case frameType.settings:
        if ((this.#flags & ack) === 0) this.#settings(body);
        return;
      case frameType.ping:
        if ((this.#flags & ack) === 0) this.#socket?.write(h2Frame(frameType.ping, ack, 0, body));
        return;
      case frameType.windowUpdate:
        this.#windowUpdate(body);
        return;
      case frameType.rstStream:
        return this.ended(`the stream was reset with ${body.readUInt32BE(0)}`);
      case frameType.goAway:
        return this.ended('the server said goodbye');
    }
    if ((this.#flags & endStream) !== 0 && this.#type <= frameType.headers) this.ended('the call ended');
  }

  #topUp(): void {
    const body = Buffer.alloc(4);
    body.writeUInt32BE(this.#received);
    this.#received = 0;
    this.#socket?.write(
      Buffer.concat([0, streamId].map((id) => h2Frame(frameType.windowUpdate, 0, id, body))),
    );
  }

  #settings(body: Buffer): void {
    for (let at = 0; at + 6 <= body.length; at += 6) {
      if (body.readUInt16BE(at) !== setting.initialWindowSize) continue;
      const initial = body.readUInt32BE(at + 2);
      this.#streamWindow += initial - this.#initialWindow;
      this.#initialWindow = initial;
    }
    this.#socket?.write(h2Frame(frameType.settings, ack, 0, Buffer.alloc(0)));
    this.#flush();
  }

  #windowUpdate(body: Buffer): void {
    const more = body.readUInt32BE(0);
    if (this.#header.readUInt32BE(5) === 0) this.#connectionWindow += more;
    else this.#streamWindow += more;
    this.#flush();
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const frame of waiting) this.write(frame);
  }
}
