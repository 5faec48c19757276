import { FrameTally, type MessageKind } from '../services/core/frame-tally.ts';
import { parseJsonBytes } from './json-input.ts';

export interface Expected {
  readonly contentType: string;
  readonly kind: MessageKind;
  readonly maxBytes: number;
}

/** Of a message in gRPC and gRPC-Web: a flag and a length stand before it. */
const prefixBytes = 5;

/**
 * Passes a call's body on in one piece, after a look at what it would become: whatever decodes it would make a million
 * objects of it without a question. One that is over the limit goes on as it is, for others to refuse. Throws
 * `frameTooLarge`, and for JSON what `parseJsonBytes` throws.
 */
export async function* lookedOver(
  body: AsyncIterable<Uint8Array>,
  { contentType, kind, maxBytes }: Expected,
): AsyncGenerator<Uint8Array, void> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length <= maxBytes + prefixBytes) chunks.push(chunk);
    else {
      yield* chunks.splice(0);
      yield chunk;
    }
  }
  if (chunks.length === 0) return;
  const whole = Buffer.concat(chunks);
  const isBare = !contentType.startsWith('application/grpc');
  lookOver(isBare ? whole : whole.subarray(prefixBytes), contentType, kind);
  yield whole;
}

function lookOver(message: Buffer, contentType: string, kind: MessageKind): void {
  if (message.length === 0) return;
  if (/\bjson\b/.test(contentType)) parseJsonBytes(message);
  else new FrameTally().message(kind, message);
}
