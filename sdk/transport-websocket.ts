import type { DescMessage, DescMethodUnary, MessageShape } from '@bufbuild/protobuf';
import { connectUnary } from './connect-unary.ts';
import type { Credentials, SessionStream, StreamHandlers, Transport } from './transport.ts';

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
    this.#fetch = options.fetch ?? globalThis.fetch;
  }

  open(handlers: StreamHandlers): SessionStream {
    return new SocketStream(new this.#WebSocket(this.#url, [subprotocol]), handlers);
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    { token, userId }: Credentials,
  ): Promise<MessageShape<O>> {
    const headers: Record<string, string> =
      token === '' ? { 'parley-user': encodeURIComponent(userId) } : { authorization: `Bearer ${token}` };
    const call = { baseUrl: this.#baseUrl, headers, timeoutMs: callTimeoutMs, fetch: this.#fetch };
    return connectUnary(call, method, request);
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
