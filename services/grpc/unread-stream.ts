import { connect, type ClientHttp2Stream } from 'node:http2';

/**
 * For tests: a session stream whose client reads nothing until it is told to. A grpc-js client is no use for that: it
 * takes in whatever comes, read or not. `first` is what it says at once, with its prefix.
 */
export function openUnread(
  port: number,
  first: Uint8Array = Buffer.from([0, 0, 0, 0, 1, 120]),
  headers: Readonly<Record<string, string>> = {},
): { readonly stream: ClientHttp2Stream } & Disposable {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  const stream = session.request({
    ':method': 'POST',
    ':path': '/parley.chat.v1.SessionService/Connect',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  stream.on('error', () => {});
  stream.write(first);
  return { stream, [Symbol.dispose]: () => session.destroy() };
}

/** Takes the messages out of chunks of a gRPC stream. */
export class MessageReader {
  #rest = Buffer.alloc(0);

  read(chunk: Buffer): Buffer[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const messages: Buffer[] = [];
    while (this.#rest.length >= 5 && this.#rest.length >= 5 + this.#rest.readUInt32BE(1)) {
      const end = 5 + this.#rest.readUInt32BE(1);
      messages.push(this.#rest.subarray(5, end));
      this.#rest = this.#rest.subarray(end);
    }
    return messages;
  }
}
