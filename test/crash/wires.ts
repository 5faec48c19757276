import { create, fromBinary, fromJsonString, toBinary, toJsonString } from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';
import { WebSocket } from 'ws';
import {
  type Command,
  ConnectRequestSchema,
  type ConnectResponse,
  ConnectResponseSchema,
} from '../../gen/parley/chat/v1/session_pb.ts';
import type { ParleyPorts } from '../../bench/targets/parley.ts';
import type { Wire, WireHandlers, WireKind } from './wire.ts';

/** Connects by a door. With libraries that know nothing of Parley: what works here works for anybody. */
export function openWire(kind: WireKind, ports: ParleyPorts, handlers: WireHandlers): Wire {
  const once = closedOnce(handlers);
  return kind === 'grpc' ? grpcWire(ports.grpc, once) : wsWire(kind, ports.ws, once);
}

function closedOnce(handlers: WireHandlers): WireHandlers {
  let closed = false;
  return {
    event: (event) => {
      if (!closed) handlers.event(event);
    },
    closed: (why) => {
      if (closed) return;
      closed = true;
      handlers.closed(why);
    },
  };
}

const frame = (commands: readonly Command[]) => create(ConnectRequestSchema, { commands: [...commands] });

function handOver(response: ConnectResponse, handlers: WireHandlers): void {
  for (const event of response.events) handlers.event(event);
}

function wsWire(kind: 'ws-proto' | 'ws-json', port: number, handlers: WireHandlers): Wire {
  const binary = kind === 'ws-proto';
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, binary ? 'parley.v1.proto' : 'parley.v1.json');
  const waiting: (Uint8Array | string)[] = [];
  socket.on('open', () => {
    for (const data of waiting.splice(0)) socket.send(data);
  });
  socket.on('message', (data: Buffer) => {
    handOver(
      binary
        ? fromBinary(ConnectResponseSchema, data)
        : fromJsonString(ConnectResponseSchema, data.toString()),
      handlers,
    );
  });
  socket.on('error', (error) => handlers.closed(error.message));
  socket.on('close', (code, reason) => handlers.closed(`${code} ${reason.toString()}`));
  return {
    get state() {
      const { readyState, bufferedAmount } = socket;
      const name = ['connecting', 'open', 'closing', 'closed'][readyState] ?? String(readyState);
      return `socket ${name}, ${bufferedAmount} bytes to be written`;
    },
    send(commands) {
      const request = frame(commands);
      const data = binary
        ? toBinary(ConnectRequestSchema, request)
        : toJsonString(ConnectRequestSchema, request);
      if (socket.readyState === WebSocket.OPEN) socket.send(data);
      else if (socket.readyState === WebSocket.CONNECTING) waiting.push(data);
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.terminate(),
  };
}

function grpcWire(port: number, handlers: WireHandlers): Wire {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    // Each wire has a connection of its own, as each device would.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 100,
  });
  const stream = client.makeBidiStreamRequest(
    '/parley.chat.v1.SessionService/Connect',
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes: Buffer) => fromBinary(ConnectResponseSchema, bytes),
  );
  const closed = (why: string) => {
    client.close();
    handlers.closed(why);
  };
  stream.on('data', (response: ConnectResponse) => handOver(response, handlers));
  stream.on('error', (error) => closed(error.message));
  stream.on('end', () => closed('the stream ended'));
  return {
    get state() {
      return `stream ${stream.destroyed ? 'destroyed' : 'there'}, peer ${stream.getPeer()}`;
    },
    send: (commands) => void stream.write(toBinary(ConnectRequestSchema, frame(commands))),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    close: () => stream.cancel(),
  };
}
