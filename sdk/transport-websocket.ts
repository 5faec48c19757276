import {
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { connectError } from './connect-error.ts';
import type { Credentials, SessionStream, StreamHandlers, Transport } from './transport.ts';
import { ChatError } from './types.ts';

const subprotocol = 'parley.v1.proto';
/** A unary call that is not answered in this time has failed. */
const callTimeoutMs = 15_000;

export interface WebSocketTransportOptions {
  /** Where the sessions go: `wss://chat.example.org/ws`. */
  readonly url: string;
  /** Where the unary calls go; default: the origin of `url`, by http or https. */
  readonly baseUrl?: string;
  /** For runtimes without one of their own. */
  readonly WebSocket?: typeof WebSocket;
  readonly fetch?: typeof fetch;
}

/** Sessions over WebSocket in the binary dialect, unary calls by the Connect protocol: for browsers, and for Node. */
export class WebSocketTransport implements Transport {
  readonly #url: string;
  readonly #baseUrl: string;
  readonly #WebSocket: typeof WebSocket;
  readonly #fetch: typeof fetch;

  constructor(options: WebSocketTransportOptions) {
    this.#url = options.url;
    this.#baseUrl = options.baseUrl ?? new URL(options.url.replace(/^ws/, 'http')).origin;
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
    const ask = options.fetch ?? globalThis.fetch;
    // Called as a method, the browser's fetch refuses.
    this.#fetch = (...args) => ask(...args);
  }

  open(handlers: StreamHandlers): SessionStream {
    return new SocketStream(new this.#WebSocket(this.#url, [subprotocol]), handlers);
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    credentials: Credentials,
  ): Promise<MessageShape<O>> {
    const headers: Record<string, string> = {
      'content-type': 'application/proto',
      'connect-protocol-version': '1',
      'connect-timeout-ms': String(callTimeoutMs),
    };
    if (credentials.token !== '') headers['authorization'] = `Bearer ${credentials.token}`;
    else headers['parley-user'] = encodeURIComponent(credentials.userId);
    let response: Response;
    let body: Uint8Array;
    try {
      response = await this.#fetch(`${this.#baseUrl}/${method.parent.typeName}/${method.name}`, {
        method: 'POST',
        headers,
        body: toBinary(method.input, request) as Uint8Array<ArrayBuffer>,
        signal: AbortSignal.timeout(callTimeoutMs),
      });
      body = new Uint8Array(await response.arrayBuffer());
    } catch {
      throw new ChatError('connectionLost', 'the server did not answer', 'elsewhere');
    }
    if (response.status !== 200) throw connectError(response.status, body);
    return fromBinary(method.output, body);
  }

  close(): void {}
}

class SocketStream implements SessionStream {
  readonly #socket: WebSocket;
  #waiting: Uint8Array[] | undefined = [];
  #closed = false;

  constructor(socket: WebSocket, handlers: StreamHandlers) {
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const frame of waiting) this.#write(frame);
    };
    socket.onmessage = (message: MessageEvent) => {
      if (this.#closed) return;
      // A server that speaks text here speaks another dialect.
      if (message.data instanceof ArrayBuffer) handlers.onFrame(new Uint8Array(message.data));
      else this.#end(handlers, 4406, 'unsupportedProtocol');
    };
    // An error is always followed by a close.
    socket.onclose = (event: CloseEvent) => this.#end(handlers, event.code, event.reason);
  }

  send(frame: Uint8Array): void {
    if (this.#closed) return;
    if (this.#waiting !== undefined) this.#waiting.push(frame);
    else this.#write(frame);
  }

  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = undefined;
    this.#socket.close(1000, reason.slice(0, 100));
  }

  #write(frame: Uint8Array): void {
    if (this.#socket.readyState === 1) this.#socket.send(frame as Uint8Array<ArrayBuffer>);
  }

  #end(handlers: StreamHandlers, code: number, reason: string): void {
    if (this.#closed) return;
    this.close(reason);
    handlers.onClose(code, reason);
  }
}
