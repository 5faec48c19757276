import type { DescMethod, DescService } from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';

/**
 * What grpc-js needs to know of a service of the contract. Requests and responses pass as the bytes they are on the
 * wire: the stream's hot frames are never decoded here, and unary calls want an error of their own for bytes that can't
 * be decoded.
 */
export type BytesDefinition = Record<string, MethodDefinition<Uint8Array, Uint8Array>>;

export function bytesDefinition(service: DescService): BytesDefinition {
  return Object.fromEntries(service.methods.map((method) => [method.localName, bytesMethod(method)]));
}

export function bytesMethod(method: DescMethod): MethodDefinition<Uint8Array, Uint8Array> {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
    requestSerialize: asBuffer,
    requestDeserialize: asIs,
    responseSerialize: asBuffer,
    responseDeserialize: asIs,
    originalName: method.localName,
  };
}

const asIs = (bytes: Buffer): Uint8Array => bytes;

/** The same memory: nothing is copied. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
