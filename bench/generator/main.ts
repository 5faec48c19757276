import type { Client, Traffic } from './client.ts';
import { Ledger } from './ledger.ts';
import { Load } from './load.ts';
import { Chatter } from './parley/chatter.ts';
import { Directory } from './parley/directory.ts';
import { grpcTransport, wsTransport } from './parley/transport.ts';
import { Pool } from './pool.ts';
import type { LoadSpec, Reply, Request } from './protocol.ts';
import { PageBook } from './page-book.ts';
import { ReferenceStream } from './reference.ts';
import { RelayClient } from './relay-client.ts';
import { SocketIoClient } from './socketio-client.ts';
import { blankText } from './stamp.ts';
import { oneGroup, pairs } from './topology.ts';

/** The load generator: a process of its own, told what to do by its parent. */

let load: Load | undefined;
/** Messages of all loads are numbered on: what a load sends again is no message to a server. */
let firstK = 0;
let pool: Pool | undefined;

function trafficOf(spec: LoadSpec): Traffic {
  const { dialect, shape } = spec;
  const topology = shape.t === 'pairs' ? pairs(shape.users, shape.conversations) : oneGroup(shape.members);
  const parley = dialect === 'parley-ws' || dialect === 'parley-grpc';
  const sameBytes = shape.t === 'group' && (parley || dialect === 'relay-coalesce');
  const ledger = new Ledger({
    topology,
    echo: parley || sameBytes,
    sequenced: parley,
    ordered: dialect !== 'socketio',
  });
  return {
    portFor: (user) => doorOf(user, spec.ports),
    topology,
    ledger,
    pages: new PageBook(),
    reference: sameBytes ? new ReferenceStream(ledger) : undefined,
    blank: blankText(spec.textBytes),
    dropOne: false,
  };
}

/** As a load balancer would: by nothing that two who talk to each other have in common. */
function doorOf(user: number, ports: readonly number[]): number {
  return ports[(Math.imul(user + 1, 0x9e37_79b1) >>> 16) % ports.length] as number;
}

function clientMaker(spec: LoadSpec, traffic: Traffic): (user: number) => Client {
  const inGroup = spec.shape.t === 'group';
  switch (spec.dialect) {
    case 'socketio':
      return (user) => new SocketIoClient(user, traffic, inGroup);
    case 'relay-naive':
    case 'relay-coalesce':
      return (user) => new RelayClient(user, traffic, inGroup);
    case 'parley-ws':
    case 'parley-grpc': {
      const directory = new Directory(traffic.topology, spec.prefix);
      const connect = spec.dialect === 'parley-ws' ? wsTransport : grpcTransport;
      return (user) => new Chatter(user, traffic, directory, (sink) => connect(traffic.portFor(user), sink));
    }
  }
}

async function open(spec: LoadSpec): Promise<void> {
  closeLoad();
  const traffic = trafficOf(spec);
  const make = clientMaker(spec, traffic);
  const clients = Array.from({ length: traffic.topology.users }, (_, user) => make(user));
  const atOnce = 100;
  for (let i = 0; i < clients.length; i += atOnce)
    await Promise.all(clients.slice(i, i + atOnce).map((client) => client.open()));
  load = new Load(clients, traffic, firstK);
}

function closeLoad(): void {
  firstK = load?.nextK ?? firstK;
  load?.close();
  load = undefined;
}

function opened(): Load {
  if (load === undefined) throw new Error('no load is open');
  return load;
}

async function carryOut(request: Request): Promise<unknown> {
  switch (request.t) {
    case 'open':
      return open(request.spec);
    case 'pass':
      return opened().pass(request.request);
    case 'pages':
      return opened().pages(request.request);
    case 'close':
      closeLoad();
      pool?.close();
      pool = undefined;
      return undefined;
    case 'connect':
      pool ??= new Pool();
      return pool.connect(request.spec);
    case 'befriend':
      return pool?.befriend(request.each);
    case 'failures':
      return pool?.failures;
    case 'disconnect':
      return pool?.disconnect();
  }
}

async function answer(request: Request): Promise<void> {
  let reply: Reply;
  try {
    reply = { id: request.id, ok: true, result: await carryOut(request) };
  } catch (error) {
    reply = { id: request.id, ok: false, error: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(reply);
}

process.on('message', (request: Request) => void answer(request));
process.on('disconnect', () => process.exit(0));
