import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { type ByteSink, openSocket } from './raw-socket.ts';

const opClose = 8;
const opPing = 9;
const opPong = 10;

/** Bytes in front of a client's frame of this length: header, and a mask of zeros, which leaves the payload as it is. */
export function wsHeaderBytes(payload: number): number {
  return payload < 126 ? 6 : payload < 65_536 ? 8 : 14;
}

/** Writes the header of a client's frame; returns where the payload begins. */
export function putWsHeader(into: Buffer, payload: number, text: boolean): number {
  into[0] = text ? 0x81 : 0x82;
  let at = 2;
  if (payload < 126) into[1] = 0x80 | payload;
  else if (payload < 65_536) {
    into[1] = 0x80 | 126;
    at = into.writeUInt16BE(payload, 2);
  } else {
    into[1] = 0x80 | 127;
    at = into.writeBigUInt64BE(BigInt(payload), 2);
  }
  return into.writeUInt32BE(0, at);
}

/** One whole client frame. */
export function wsFrame(payload: Uint8Array, text = false): Buffer {
  const frame = Buffer.allocUnsafe(wsHeaderBytes(payload.length) + payload.length);
  frame.set(payload, putWsHeader(frame, payload.length, text));
  return frame;
}

/** Takes the payload of data frames, in order, in pieces as they arrive; `last` ends a message. */
export interface PayloadSink {
  payload(buffer: Buffer, start: number, end: number, last: boolean): void;
  ended(why: string): void;
}

export interface WsAddress {
  readonly port: number;
  readonly path: string;
  readonly subprotocol?: string;
  /** Hands over whole frames as they came, header and all, instead of their payload. */
  readonly raw?: boolean;
}

/** A WebSocket client that does no more than a load generator needs, on a bare socket. */
export class WsConnection implements ByteSink {
  readonly #sink: PayloadSink;
  readonly #address: WsAddress;
  #socket: Socket | undefined;
  #opened: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #response = '';
  #open = false;
  // The frame being read.
  readonly #header = Buffer.alloc(14);
  #headerLength = 0;
  #opcode = 0;
  #fin = true;
  #remaining = 0;
  #control = Buffer.alloc(0);
  #ended = false;

  constructor(address: WsAddress, sink: PayloadSink) {
    this.#address = address;
    this.#sink = sink;
  }

  async open(): Promise<void> {
    const opened = new Promise<void>((resolve, reject) => {
      this.#opened = { resolve, reject };
    });
    this.#socket = await openSocket(this.#address.port, '127.0.0.1', this);
    const lines = [
      `GET ${this.#address.path} HTTP/1.1`,
      `Host: 127.0.0.1:${this.#address.port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ];
    if (this.#address.subprotocol !== undefined)
      lines.push(`Sec-WebSocket-Protocol: ${this.#address.subprotocol}`);
    this.#socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    await opened;
  }

  /** Writes bytes that are a whole frame already. */
  write(frame: Buffer): void {
    this.#socket?.write(frame);
  }

  destroy(): void {
    this.#ended = true;
    this.#socket?.resetAndDestroy();
  }

  bytes(buffer: Buffer, start: number, end: number): void {
    if (!this.#open) this.#handshake(buffer, start, end);
    else if (this.#address.raw) this.#sink.payload(buffer, start, end, false);
    else this.#frames(buffer, start, end);
  }

  ended(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#opened?.reject(new Error(why));
    this.#sink.ended(why);
  }

  #handshake(buffer: Buffer, start: number, end: number): void {
    this.#response += buffer.toString('latin1', start, end);
    const headEnd = this.#response.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    if (!this.#response.startsWith('HTTP/1.1 101')) {
      this.ended(`refused: ${this.#response.slice(0, this.#response.indexOf('\r\n'))}`);
      return;
    }
    this.#open = true;
    const rest = Buffer.from(this.#response.slice(headEnd + 4), 'latin1');
    this.#response = '';
    this.#opened?.resolve();
    this.#opened = undefined;
    if (rest.length > 0) this.bytes(rest, 0, rest.length);
  }

  #frames(buffer: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#remaining === 0) {
        at = this.#readHeader(buffer, at, end);
        if (this.#headerLength > 0) return; // the rest of the header comes with the next bytes
      }
      const stop = Math.min(end, at + this.#remaining);
      this.#remaining -= stop - at;
      if (this.#opcode < opClose) {
        if (stop > at) this.#sink.payload(buffer, at, stop, this.#remaining === 0 && this.#fin);
      } else {
        this.#control = Buffer.concat([this.#control, buffer.subarray(at, stop)]);
        if (this.#remaining === 0) this.#endControl();
      }
      at = stop;
    }
  }

  /** Reads a frame's header, which may arrive in parts; returns where the payload begins. */
  #readHeader(buffer: Buffer, start: number, end: number): number {
    let at = start;
    const header = this.#header;
    while (at < end) {
      header[this.#headerLength++] = buffer[at++] as number;
      if (this.#headerLength < 2) continue;
      const short = (header[1] as number) & 0x7f;
      const needed = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (this.#headerLength < needed) continue;
      this.#opcode = (header[0] as number) & 0x0f;
      if (this.#opcode < opClose) this.#fin = (header[0] as number) >= 0x80;
      this.#remaining =
        short < 126 ? short : short === 126 ? header.readUInt16BE(2) : Number(header.readBigUInt64BE(2));
      this.#headerLength = 0;
      if (this.#remaining === 0 && this.#opcode >= opClose) this.#endControl();
      break;
    }
    return at;
  }

  #endControl(): void {
    const body = this.#control;
    this.#control = Buffer.alloc(0);
    if (this.#opcode === opPing) {
      const pong = wsFrame(body);
      pong[0] = 0x80 | opPong;
      this.write(pong);
    } else if (this.#opcode === opClose) {
      const code = body.length >= 2 ? body.readUInt16BE(0) : 1005;
      this.ended(`closed with ${code} ${body.subarray(2).toString()}`);
    }
  }
}
