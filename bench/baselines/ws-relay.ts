import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/**
 * What a WebSocket server can do at best: it relays and keeps nothing. `naive` sends each delivery by itself;
 * `coalesce` makes each frame once and writes every socket at most once per flush.
 *
 *   node bench/baselines/ws-relay.ts PORT naive|coalesce FLUSH_MS
 *
 * Clients connect to `/?u=<user number>`. In: `J`, `P` or `G`, eight hex digits (group or user), text. Out: `J`; `D`
 * and the text; to the sender `A` and the first 19 bytes of the text.
 */
const [port, mode, flushMs] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4])];
const coalescing = mode === 'coalesce';
const [join, toUser, toGroup] = [...'JPG'].map((letter) => letter.charCodeAt(0));
const [ackByte, deliveryByte] = [...'AD'].map((letter) => letter.charCodeAt(0)) as [number, number];

interface Peer {
  readonly ws: WebSocket;
  readonly socket: Socket;
  pending: Buffer[];
}

interface Group {
  readonly members: Set<Peer>;
  pending: Buffer[];
}

const users = new Map<number, Peer>();
const groups = new Map<number, Group>();
let waiting: Peer[] = [];

/** A server's frame around a payload of less than 64 KiB. */
function framed(payload: Buffer): Buffer {
  const headerBytes = payload.length < 126 ? 2 : 4;
  const frame = Buffer.allocUnsafe(headerBytes + payload.length);
  frame[0] = 0x82;
  if (headerBytes === 2) frame[1] = payload.length;
  else {
    frame[1] = 126;
    frame.writeUInt16BE(payload.length, 2);
  }
  payload.copy(frame, headerBytes);
  return frame;
}

function enqueue(peer: Peer, frame: Buffer): void {
  if (peer.pending.push(frame) > 1) return;
  if (waiting.push(peer) === 1) setImmediate(flushPeers);
}

function flushPeers(): void {
  const peers = waiting;
  waiting = [];
  for (const peer of peers) {
    const frames = peer.pending;
    peer.pending = [];
    peer.socket.write(frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames));
  }
}

function enqueueGroup(group: Group, frame: Buffer): void {
  if (group.pending.push(frame) > 1) return;
  setTimeout(() => {
    const all = Buffer.concat(group.pending);
    group.pending = [];
    for (const member of group.members) member.socket.write(all);
  }, flushMs);
}

function onMessage(from: Peer, data: Buffer): void {
  const kind = data[0];
  const number = Number.parseInt(data.toString('latin1', 1, 9), 16);
  if (kind === join) {
    let group = groups.get(number);
    if (group === undefined) {
      group = { members: new Set(), pending: [] };
      groups.set(number, group);
    }
    group.members.add(from);
    from.ws.send('J', { binary: true });
    return;
  }
  const ack = Buffer.allocUnsafe(20);
  ack[0] = ackByte;
  data.copy(ack, 1, 9, 28);
  // The frame is ours: the last digit of the number becomes the first byte of the delivery.
  data[8] = deliveryByte;
  const delivery = data.subarray(8);
  if (kind === toUser) relayToUser(from, users.get(number), delivery, ack);
  else if (kind === toGroup) relayToGroup(from, groups.get(number), delivery, ack);
}

function relayToUser(from: Peer, to: Peer | undefined, delivery: Buffer, ack: Buffer): void {
  if (coalescing) {
    if (to !== undefined) enqueue(to, framed(delivery));
    enqueue(from, framed(ack));
  } else {
    to?.ws.send(delivery);
    from.ws.send(ack);
  }
}

function relayToGroup(from: Peer, group: Group | undefined, delivery: Buffer, ack: Buffer): void {
  if (group === undefined) return;
  if (coalescing) {
    enqueueGroup(group, framed(delivery));
    enqueue(from, framed(ack));
  } else {
    for (const member of group.members) if (member !== from) member.ws.send(delivery);
    from.ws.send(ack);
  }
}

const http = createServer();
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
sockets.on('connection', (ws: WebSocket, request: IncomingMessage) => {
  request.socket.setNoDelay(true);
  const user = Number((request.url ?? '').slice('/?u='.length));
  const peer: Peer = { ws, socket: request.socket, pending: [] };
  users.set(user, peer);
  ws.on('error', () => ws.terminate());
  ws.on('close', () => {
    if (users.get(user) === peer) users.delete(user);
    for (const group of groups.values()) group.members.delete(peer);
  });
  ws.on('message', (data: Buffer) => onMessage(peer, data));
});
http.listen({ port, host: '127.0.0.1', backlog: 4096 }, () => process.stdout.write('ready\n'));
