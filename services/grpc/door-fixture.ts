import { fromBinary } from '@bufbuild/protobuf';
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  credentials,
  Metadata,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { type Error as ErrorMessage, ErrorSchema } from '../../gen/parley/chat/v1/error_pb.ts';
import type { TlsSource } from '../core/certificates.ts';
import type {
  CallContext,
  DoorInlet,
  DoorOutlet,
  SessionHost,
  SessionInfo,
  UnaryHost,
} from '../core/door.ts';
import { type Logger, silentLogger } from '../core/log.ts';
import { Meters } from '../core/meters.ts';
import { SessionService } from './chat-services.ts';
import { errorKey } from './faults.ts';
import { GrpcDoor, type GrpcDoorConfig } from './grpc-door.ts';
import { bytesMethod } from './service-definition.ts';
import type { SessionStreamLimits } from './session-stream.ts';

/** For tests: a connection node that records what it is told, and answers as a test likes. */
export class FakeSessions extends EventEmitter implements SessionHost, DoorInlet {
  outlet!: DoorOutlet;
  readonly open_ = new Map<number, SessionInfo>();
  readonly calls: string[] = [];
  readonly paused_ = new Set<number>();
  onData: (session: number, frame: Uint8Array) => void = () => {};

  attach(outlet: DoorOutlet): DoorInlet {
    this.outlet = outlet;
    return this;
  }

  open(session: number, info: SessionInfo): void {
    this.open_.set(session, info);
    this.#record('open', session);
  }

  data(session: number, frame: Uint8Array): void {
    assert.ok(this.open_.has(session), 'data for a session that is not open');
    this.#record('data', session);
    this.onData(session, frame);
  }

  closed(session: number): void {
    assert.ok(this.open_.delete(session), 'closed twice, or never opened');
    this.#record('closed', session);
  }

  paused(session: number): void {
    assert.ok(!this.paused_.has(session));
    this.paused_.add(session);
    this.#record('paused', session);
  }

  resumed(session: number): void {
    assert.ok(this.paused_.delete(session));
    this.#record('resumed', session);
  }

  detach(): void {
    this.#record('detach', 0);
  }

  #record(what: string, session: number): void {
    this.calls.push(`${what} ${session}`);
    this.emit(what, session);
  }
}

type UnaryAnswer = (rpc: string, request: unknown, context: CallContext) => unknown;

interface FixtureOptions {
  readonly config?: Partial<GrpcDoorConfig>;
  readonly tls?: TlsSource;
  readonly limits?: SessionStreamLimits;
  readonly log?: Logger;
  readonly answer?: UnaryAnswer;
}

/** For tests: a door on a free port with a fake node behind it. */
export async function openDoor(options: FixtureOptions = {}) {
  const sessions = new FakeSessions();
  const meters = new Meters();
  const unary: UnaryHost = {
    call: async (rpc, request, context) => options.answer?.(rpc, request, context),
  };
  const config: GrpcDoorConfig = {
    mode: 'development',
    host: '127.0.0.1',
    port: 0,
    trustedProxies: 0,
    maxConnections: 100,
    maxStreams: 1_000,
    handshakeMs: 10_000,
    ...options.config,
  };
  const { limits, tls, log = silentLogger } = options;
  const door = new GrpcDoor({ config, tls, log, meters, sessions, unary, ...(limits && { limits }) });
  await door.start();
  const { port } = door.address;
  const clients: Client[] = [];
  return {
    door,
    port,
    sessions,
    meters,
    /** A connection of its own. */
    client(channel: ClientOptions = {}, secured: ChannelCredentials = credentials.createInsecure()): Client {
      const client = new Client(`127.0.0.1:${port}`, secured, {
        'grpc.use_local_subchannel_pool': 1,
        ...channel,
      });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      await door.stop();
      assert.equal(sessions.calls.at(-1), 'detach 0');
    },
  };
}

export type ClientStream = ClientDuplexStream<Uint8Array, Uint8Array>;

export function connect(client: Client, metadata = new Metadata()): ClientStream {
  const method = bytesMethod(SessionService.method.connect);
  const stream = client.makeBidiStreamRequest<Uint8Array, Uint8Array>(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    metadata,
  );
  // The status says the same.
  stream.on('error', () => {});
  return stream;
}

/** How a stream ended, and the error in its trailers. */
export async function endOf(
  stream: ClientStream,
): Promise<{ status: StatusObject; error: ErrorMessage | undefined }> {
  const status = await new Promise<StatusObject>((resolve) => stream.once('status', resolve));
  return { status, error: errorOf(status.metadata) };
}

export function errorOf(metadata: Metadata): ErrorMessage | undefined {
  const [detail] = metadata.get(errorKey);
  return Buffer.isBuffer(detail) ? fromBinary(ErrorSchema, detail) : undefined;
}

/** A unary call with bytes for request and response. */
export function callBytes(client: Client, path: string, request: Uint8Array, metadata = new Metadata()) {
  return new Promise<{ response?: Uint8Array; failure?: ServiceError }>((resolve) => {
    const asBuffer = (bytes: Uint8Array) => Buffer.from(bytes);
    client.makeUnaryRequest<Uint8Array, Uint8Array>(
      path,
      asBuffer,
      (bytes) => bytes,
      request,
      metadata,
      (failure, response) => resolve(failure ? { failure } : { response: response ?? new Uint8Array() }),
    );
  });
}
