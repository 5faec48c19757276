import { type ByteString, byteString } from '../core/byte-string.ts';
import { putStringField, stringFieldSize } from './field.ts';
import { utf8Size } from './utf8.ts';
import { putVarint, varintSize } from './writer.ts';

let scratch = Buffer.allocUnsafeSlow(4096);

/** Content of a message's entry: client_id and the message, from an encoded MessageBody, which is copied as it is. */
export function messageContent(clientId: string, body: Uint8Array): ByteString {
  const clientIdSize = utf8Size(clientId);
  const size = stringFieldSize(clientIdSize) + 1 + varintSize(body.byteLength) + body.byteLength;
  if (size > scratch.byteLength) scratch = Buffer.allocUnsafeSlow(2 * size);
  let at = putStringField(scratch, 0, 0x52, clientId, clientIdSize); // Entry.client_id
  scratch[at] = 0x5a; // Entry.message
  at = putVarint(scratch, at + 1, body.byteLength);
  scratch.set(body, at);
  return byteString(scratch.subarray(0, size));
}
