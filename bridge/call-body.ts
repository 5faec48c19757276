import { Fault } from '../services/core/fault.ts';
import type { MessageKind } from '../services/core/field-rules.ts';
import { FrameTally } from '../services/core/frame-tally.ts';
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
 * objects of it without a question. A bare message that is over the limit goes on as it is, for others to refuse. Throws
 * `frameTooLarge`, `malformedFrame` for what is not one message, `unsupportedFrame` for one that is compressed, and for
 * JSON what `parseJsonBytes` throws.
 */
export async function* lookedOver(
  body: AsyncIterable<Uint8Array>,
  { contentType, kind, maxBytes }: Expected,
): AsyncGenerator<Uint8Array, void> {
  // As whoever decodes it reads it.
  const type = contentType.toLowerCase();
  const isEnveloped = type.startsWith('application/grpc');
  const mostBytes = maxBytes + (isEnveloped ? prefixBytes : 0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length <= mostBytes) chunks.push(chunk);
    else if (isEnveloped) throw tooLarge(maxBytes);
    else {
      yield* chunks.splice(0);
      yield chunk;
    }
  }
  if (chunks.length === 0) return;
  const whole = Buffer.concat(chunks);
  lookOver(isEnveloped ? onlyMessage(whole) : whole, type, kind);
  yield whole;
}

/** What is behind the flag and the length; a second message would be decoded unseen. */
function onlyMessage(whole: Buffer): Buffer {
  const isOne = whole.length >= prefixBytes && whole.readUInt32BE(1) === whole.length - prefixBytes;
  if (isOne && whole[0] === 0) return whole.subarray(prefixBytes);
  if (isOne && whole[0] === 1)
    throw new Fault('unsupportedFrame', { message: 'calls are read uncompressed alone' });
  throw new Fault('malformedFrame', { message: 'a call has one message' });
}

function tooLarge(maxBytes: number): Fault {
  return new Fault('frameTooLarge', { message: `calls have at most ${maxBytes} bytes` });
}

function lookOver(message: Buffer, contentType: string, kind: MessageKind): void {
  if (message.length === 0) return;
  if (/\bjson\b/.test(contentType)) parseJsonBytes(message);
  else new FrameTally().message(kind, message);
}
