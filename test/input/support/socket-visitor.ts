import { once } from 'node:events';
import { fromBinary, fromJsonString, toBinary, toJsonString } from '@bufbuild/protobuf';
import { type ClientOptions, WebSocket } from 'ws';
import { ConnectRequestSchema, ConnectResponseSchema } from '../../../gen/parley/chat/v1/session_pb.ts';
import type { Visitor } from './visitor.ts';
import { sessionOn } from './wire-inlet.ts';

export interface SocketVisit {
  /** Behind the question mark. */
  readonly query?: string;
  readonly options?: ClientOptions;
  readonly host?: string;
}

/** A session by WebSocket in one of the two dialects that carry the protocol's frames. */
export async function visitBySocket(
  port: number,
  door: 'proto' | 'json',
  { query = '', options = {}, host = '127.0.0.1' }: SocketVisit = {},
): Promise<Visitor & { readonly socket: WebSocket }> {
  const socket = new WebSocket(`ws://${host}:${port}/ws${query}`, `parley.v1.${door}`, options);
  const session = sessionOn({
    send: (frame) => socket.send(door === 'proto' ? frame : asJson(frame)),
    hangUp: () => socket.close(),
  });
  socket.on('message', (data: Buffer) => session.take(door === 'proto' ? data : fromJson(data)));
  socket.on('close', (code, reason) => session.ended(code, reason.toString()));
  socket.on('error', () => {});
  await once(socket, 'open');
  return {
    door,
    session,
    socket,
    tell: (frame) => socket.send(frame),
    async [Symbol.asyncDispose]() {
      if (socket.readyState === WebSocket.CLOSED) return;
      const closed = once(socket, 'close');
      socket.terminate();
      await closed;
    },
  };
}

function asJson(frame: Uint8Array): string {
  return toJsonString(ConnectRequestSchema, fromBinary(ConnectRequestSchema, frame));
}

function fromJson(text: Buffer): Uint8Array {
  return toBinary(ConnectResponseSchema, fromJsonString(ConnectResponseSchema, text.toString()));
}
