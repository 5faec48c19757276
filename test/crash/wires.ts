import { create, fromBinary, fromJsonString, toBinary, toJsonString } from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';
import { WebSocket } from 'ws';
import {
  type Command,
  ConnectRequestSchema,
  type ConnectResponse,
  ConnectResponseSchema,
} from '../../gen/parley/chat/v1/session_pb.ts';
import type { Doors, GatewayAddress } from './site.ts';
import type { Wire, WireHandlers, WireKind } from './wire.ts';

/** Connects by a door. With libraries that know nothing of Parley: what works here works for anybody. */
export function openWire(kind: WireKind, ports: Doors, handlers: WireHandlers): Wire {
  const once = closedOnce(handlers);
  if (kind === 'grpc') return grpcWire(clientOf(ports), once, ports.gateway);
  return wsWire(kind, socketOf(kind, ports), once);
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

function socketOf(kind: 'ws-proto' | 'ws-json', { ws, gateway }: Doors): WebSocket {
  const subprotocol = kind === 'ws-proto' ? 'parley.v1.proto' : 'parley.v1.json';
  if (gateway === undefined) return new WebSocket(`ws://127.0.0.1:${ws}/ws`, subprotocol);
  const { host, port, ca, heartbeatMs } = gateway;
  // A handshake with a machine that is gone would go on for minutes.
  const options = { ca, handshakeTimeout: heartbeatMs };
  const socket = new WebSocket(`wss://${host}:${port}/ws`, subprotocol, options);
  watchPulse(socket, gateway);
  return socket;
}

/** Gives a socket up whose other side does not answer pings. */
function watchPulse(socket: WebSocket, { heartbeatMs }: GatewayAddress): void {
  let answered = true;
  const timer = setInterval(() => {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, heartbeatMs);
  socket.on('pong', () => {
    answered = true;
  });
  socket.on('close', () => clearInterval(timer));
}

function wsWire(kind: 'ws-proto' | 'ws-json', socket: WebSocket, handlers: WireHandlers): Wire {
  const binary = kind === 'ws-proto';
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

function clientOf({ grpc, gateway }: Doors): Client {
  const own = {
    // Each wire has a connection of its own, as each device would.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 100,
  };
  if (gateway === undefined) return new Client(`127.0.0.1:${grpc}`, credentials.createInsecure(), own);
  const { host, port, ca, heartbeatMs } = gateway;
  return new Client(`${host}:${port}`, credentials.createSsl(ca), {
    ...own,
    'grpc.keepalive_time_ms': heartbeatMs,
    'grpc.keepalive_timeout_ms': heartbeatMs,
  });
}

function grpcWire(client: Client, handlers: WireHandlers, gateway?: GatewayAddress): Wire {
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
  // As for WebSockets; a connection is tried for 20 s else, its packets at ever longer intervals.
  if (gateway !== undefined)
    client.waitForReady(Date.now() + 2 * gateway.heartbeatMs, (error) => {
      if (error !== undefined && error !== null) stream.cancel();
    });
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
