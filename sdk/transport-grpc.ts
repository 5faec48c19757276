import {
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  credentials as channelCredentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { ErrorSchema } from '../gen/parley/chat/v1/error_pb.ts';
import { SessionService } from '../gen/parley/chat/v1/session_pb.ts';
import { toChatError } from './refusal.ts';
import type { Credentials, SessionStream, StreamHandlers, Transport } from './transport.ts';
import { ChatError } from './types.ts';

const callTimeoutMs = 15_000;
/** What waits while the connection takes nothing, in bytes; a session above it is given up. */
const maxWaitingBytes = 8 * 1024 * 1024;
const errorKey = 'parley-error-bin';
const connectPath = `/${SessionService.typeName}/${SessionService.method.connect.name}`;

const channelDefaults: ChannelOptions = {
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  // The session paces its attempts; the channel's own waits, up to two minutes, would come on top.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
};

export interface GrpcTransportOptions {
  /** `host:port`. */
  readonly address: string;
  /** With TLS, by the certificate authorities that Node trusts, or by these (PEM) alone. */
  readonly tls?: boolean | { readonly authorities: Uint8Array };
  readonly channel?: ChannelOptions;
}

function securityOf({ tls = false }: GrpcTransportOptions): ChannelCredentials {
  if (tls === false) return channelCredentials.createInsecure();
  return channelCredentials.createSsl(tls === true ? null : Buffer.from(tls.authorities));
}

/** Sessions and unary calls over gRPC: for Node. */
export class GrpcTransport implements Transport {
  readonly #client: Client;

  constructor(options: GrpcTransportOptions) {
    const { address, channel } = options;
    this.#client = new Client(address, securityOf(options), { ...channelDefaults, ...channel });
  }

  open(handlers: StreamHandlers): SessionStream {
    return new CallStream(this.#client.makeBidiStreamRequest(connectPath, toBuffer, toBytes), handlers);
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    credentials: Credentials,
  ): Promise<MessageShape<O>> {
    const metadata = new Metadata();
    if (credentials.token !== '') metadata.set('authorization', `Bearer ${credentials.token}`);
    else metadata.set('parley-user', encodeURIComponent(credentials.userId));
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/${method.parent.typeName}/${method.name}`,
        toBuffer,
        toBytes,
        toBinary(method.input, request),
        metadata,
        { deadline: Date.now() + callTimeoutMs },
        (error, response) => {
          if (error !== null) reject(refusalOf(error));
          else resolve(fromBinary(method.output, response ?? new Uint8Array(0)));
        },
      );
    });
  }

  close(): void {
    this.#client.close();
  }
}

/** A session as a gRPC stream. What can't be written waits until the connection takes it. */
class CallStream implements SessionStream {
  readonly #call: ClientDuplexStream<Uint8Array, Uint8Array>;
  readonly #handlers: StreamHandlers;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #blocked = false;
  #closed = false;

  constructor(call: ClientDuplexStream<Uint8Array, Uint8Array>, handlers: StreamHandlers) {
    this.#call = call;
    this.#handlers = handlers;
    call.on('data', (frame: Uint8Array) => {
      if (!this.#closed) handlers.onFrame(frame);
    });
    call.on('drain', () => this.#drain());
    // The end of the frames; the status, which says why, follows as an error or as an OK.
    call.on('error', (error: ServiceError) => {
      const refusal = refusalOf(error);
      this.#end(closeCodeOf(error, refusal), refusal.reason);
    });
    call.on('status', () => this.#end(1000, ''));
  }

  send(frame: Uint8Array): void {
    if (this.#closed) return;
    if (!this.#blocked) {
      this.#blocked = !this.#call.write(frame);
      return;
    }
    this.#waiting.push(frame);
    this.#waitingBytes += frame.byteLength;
    if (this.#waitingBytes > maxWaitingBytes) this.#end(1006, 'sendQueueFull');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    this.#call.cancel();
  }

  #drain(): void {
    this.#blocked = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const frame of waiting) this.send(frame);
  }

  #end(code: number, reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#handlers.onClose(code, reason);
  }
}

/** The server's own error where it sent one, or what the status means. */
function refusalOf(error: ServiceError): ChatError {
  const [encoded] = error.metadata?.get(errorKey) ?? [];
  if (encoded instanceof Uint8Array) {
    try {
      return toChatError(fromBinary(ErrorSchema, encoded));
    } catch {
      // Somebody else's trailer.
    }
  }
  const reason = reasons[error.code];
  return reason === undefined
    ? new ChatError('connectionLost', error.details || error.message, 'elsewhere')
    : new ChatError(reason, error.details || error.message, 'never');
}

const reasons: Partial<Record<status, string>> = {
  [status.UNAUTHENTICATED]: 'tokenInvalid',
  [status.PERMISSION_DENIED]: 'notAllowed',
  [status.INVALID_ARGUMENT]: 'invalidField',
  [status.NOT_FOUND]: 'notFound',
  [status.UNIMPLEMENTED]: 'unsupportedProtocol',
};

/** A status as the close code that WebSocket has for it: 44xx where the same would happen again. */
function closeCodeOf(error: ServiceError, refusal: ChatError): number {
  if (error.code === status.UNAUTHENTICATED) return 4401;
  return refusal.retry === 'never' ? 4400 : 4503;
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const toBytes = (buffer: Buffer): Uint8Array => buffer;
