import { createServer as createHttp1, type Server as Http1Server, STATUS_CODES } from 'node:http';
import { createServer as createHttp2, type Http2Server } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';
import type { RequestHandler } from './http-types.ts';
import { type Problem, problem } from './problem.ts';

/** How a client that speaks HTTP/2 without asking begins. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** How long a refused client may go on sending. */
const lingerMs = 1_000;

export type ParseRefusal = 'badRequest' | 'headersTooLarge' | 'requestTimeout';

export interface HttpLimits {
  readonly maxHeaderBytes: number;
  readonly handshakeTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/** An HTTP/1.1 server that is given its connections, and tells of what was no request. */
export function http1Server(
  limits: HttpLimits,
  handler: RequestHandler,
  refused: (reason: ParseRefusal) => void,
): Http1Server {
  const server = createHttp1(
    {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: Math.min(limits.handshakeTimeoutMs, limits.requestTimeoutMs),
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, limits.requestTimeoutMs),
      keepAliveTimeout: 10_000,
      noDelay: true,
      // Clients that offer h2c by an upgrade are answered in HTTP/1.1.
      shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
    },
    handler,
  );
  // Past a count Node drops headers in silence, and a dropped origin is an absent one: their bytes are limit enough.
  server.maxHeadersCount = 0;
  // An answer that nobody reads; WebSockets lose this timeout with their upgrade.
  server.timeout = 2 * limits.requestTimeoutMs + 1_000;
  server.on('clientError', (error: NodeJS.ErrnoException, connection) => {
    // A client that went away sent nothing bad.
    if (error.code === 'ECONNRESET' || !connection.writable) return void connection.destroy();
    const [status, reason, message] = parseRefusal(error.code);
    refused(reason);
    endWithProblem(connection, problem(status, reason, message));
  });
  // It watches the time of requests from when it listens, which it will never do by itself.
  server.emit('listening');
  return server;
}

/** An HTTP/2 server without TLS that is given its connections. */
export function http2Server(limits: HttpLimits, handler: RequestHandler): Http2Server {
  const server = createHttp2(
    {
      maxSessionMemory: 32,
      maxHeaderListPairs: 128,
      settings: {
        maxConcurrentStreams: 100,
        maxHeaderListSize: limits.maxHeaderBytes,
        initialWindowSize: 256 * 1024,
        enablePush: false,
      },
    },
    handler,
  );
  server.on('session', (session) => session.on('error', () => session.destroy()));
  return server;
}

export interface HttpServers {
  readonly http1: Http1Server;
  readonly http2: Http2Server;
  /** An HTTP/2 connection on which nothing moves ends after this time. */
  readonly http2IdleMs: number;
  /** The connection's HTTP/2 session made its first request. */
  readonly onHttp2Stream: (connection: Socket) => void;
}

/** Hands a connection to the server of the protocol that its first bytes speak. */
export function dispatchByPreface(connection: Socket, servers: HttpServers): void {
  let seen: Buffer = Buffer.alloc(0);
  const look = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, preface.length);
    const isHttp2 = preface.subarray(0, length).equals(seen.subarray(0, length));
    if (isHttp2 && length < preface.length) return;
    connection.off('data', look);
    connection.off('end', hangUp);
    connection.pause();
    connection.unshift(seen);
    if (isHttp2) {
      beginHttp2(connection, servers);
    } else {
      servers.http1.emit('connection', connection);
      process.nextTick(() => connection.resume());
    }
  };
  const hangUp = (): void => {
    connection.destroy();
  };
  connection.on('data', look);
  connection.on('end', hangUp);
}

/** Hands a connection to the server of the protocol that both sides agreed on when they made it secure. */
export function dispatchByProtocol(connection: TLSSocket, servers: HttpServers): void {
  if (connection.alpnProtocol === 'h2') beginHttp2(connection, servers);
  else servers.http1.emit('connection', connection);
}

function beginHttp2(connection: Socket, servers: HttpServers): void {
  const { http2, http2IdleMs, onHttp2Stream } = servers;
  const cutAfter = (ms: number): void => void setTimeout(() => connection.destroy(), ms).unref();
  // The session is made while the event is handled.
  http2.once('session', (session) => {
    session.once('stream', () => onHttp2Stream(connection));
    session.setTimeout(http2IdleMs, () => {
      session.close();
      cutAfter(lingerMs);
    });
    // A session that is over ends its own side of the connection alone, and its time with it: whoever keeps his side, or
    // reads no more, would stay.
    session.once('goaway', () => cutAfter(http2IdleMs));
    connection.once('finish', () => cutAfter(lingerMs));
  });
  http2.emit('connection', connection);
}

/** Refuses on a connection that has no response object, and ends it. */
export function endWithProblem(connection: Duplex, what: Problem): void {
  const body = `${JSON.stringify(what)}\n`;
  linger(connection);
  connection.end(
    `HTTP/1.1 ${what.code} ${STATUS_CODES[what.code] ?? 'Refused'}\r\nconnection: close\r\n` +
      `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Reads on for a moment: closing over unread bytes resets the connection, and the answer would be lost. */
function linger(connection: Duplex): void {
  connection.removeAllListeners('data');
  connection.on('data', discard);
  const timer = setTimeout(() => connection.destroy(), lingerMs);
  connection.once('close', () => clearTimeout(timer));
}

function discard(): void {}

function parseRefusal(code: string | undefined): readonly [number, ParseRefusal, string] {
  if (code === 'HPE_HEADER_OVERFLOW') return [431, 'headersTooLarge', 'the headers are too large'];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return [408, 'requestTimeout', 'the request took too long'];
  return [400, 'badRequest', 'not a valid HTTP request'];
}
