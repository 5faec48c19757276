import { fromBinary } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, credentials, Metadata, type StatusObject } from '@grpc/grpc-js';
import { ErrorSchema } from '../../../gen/parley/chat/v1/error_pb.ts';
import { faults } from '../../../services/core/fault.ts';
import type { Visitor } from './visitor.ts';
import { sessionOn } from './wire-inlet.ts';

const path = '/parley.chat.v1.SessionService/Connect';

/** A session by gRPC, on a connection of its own. Its close code is the one that its fault has on WebSocket. */
export function visitByGrpc(port: number, metadata: Readonly<Record<string, string>> = {}): Visitor {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': -1,
  });
  const headers = new Metadata();
  for (const [name, value] of Object.entries(metadata)) headers.set(name, value);
  const stream = client.makeBidiStreamRequest<Uint8Array, Uint8Array>(path, asBuffer, (b) => b, headers);
  const session = sessionOn({ send: (frame) => stream.write(frame), hangUp: () => stream.cancel() });
  stream.on('data', (frame: Uint8Array) => session.take(frame));
  stream.on('error', () => {});
  stream.once('status', (status) => {
    const { code, reason } = endOf(status);
    session.ended(code, reason);
  });
  return {
    door: 'grpc',
    session,
    tell: (frame) => stream.write(typeof frame === 'string' ? Buffer.from(frame) : frame),
    async [Symbol.asyncDispose]() {
      if (session.closed === undefined) await cancelled(stream);
      client.close();
    },
  };
}

function asBuffer(frame: Uint8Array): Buffer {
  return Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
}

function endOf(status: StatusObject): { code: number; reason: string } {
  const [detail] = status.metadata.get('parley-error-bin');
  if (!Buffer.isBuffer(detail)) return { code: 1000 + status.code, reason: status.details };
  const { reason } = fromBinary(ErrorSchema, detail);
  const known = Object.hasOwn(faults, reason) ? faults[reason as keyof typeof faults] : undefined;
  return { code: known?.closeCode ?? 0, reason };
}

async function cancelled(stream: ClientDuplexStream<Uint8Array, Uint8Array>): Promise<void> {
  const ended = new Promise((resolve) => stream.once('status', resolve));
  stream.cancel();
  await ended;
}
