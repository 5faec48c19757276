import { Fault } from '../../services/core/fault.ts';
import type { HttpRequest } from '../http-types.ts';
import { parseJsonBytes } from '../json-input.ts';

/** A body that is somewhat too large is read to its end, so that its sender gets to see the answer. */
const excessFactor = 8;

/** Reads a JSON body. Rejects with `unsupportedFrame`, `frameTooLarge`, `malformedFrame` or `invalidField`. */
export async function readJsonBody(request: HttpRequest, limitBytes: number): Promise<unknown> {
  const bytes = await readBody(request, limitBytes);
  if (bytes.length === 0) return {};
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new Fault('unsupportedFrame', { message: 'the body must be application/json' });
  const value = parseJsonBytes(bytes);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Fault('malformedFrame', { message: 'the body must be a JSON object' });
  return value;
}

async function readBody(request: HttpRequest, limitBytes: number): Promise<Buffer> {
  const tooLarge = (): Fault =>
    new Fault('frameTooLarge', { message: `the body is larger than ${limitBytes} bytes` });
  const readBytes = excessFactor * limitBytes;
  if (Number(request.headers['content-length'] ?? 0) > readBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > readBytes) throw tooLarge();
    if (length <= limitBytes) chunks.push(chunk);
  }
  if (length > limitBytes) throw tooLarge();
  return Buffer.concat(chunks);
}
