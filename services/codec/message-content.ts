import { putStringField, stringFieldSize } from './field.ts';
import { take } from './slab.ts';
import { utf8Size } from './utf8.ts';
import { putVarint, varintSize } from './writer.ts';

/** Content of a message's entry: client_id and the message, from an encoded MessageBody, which is copied as it is. */
export function messageContent(clientId: string, body: Uint8Array): Uint8Array {
  const clientIdSize = utf8Size(clientId);
  const bytes = take(stringFieldSize(clientIdSize) + 1 + varintSize(body.byteLength) + body.byteLength);
  let at = putStringField(bytes, 0, 0x52, clientId, clientIdSize); // Entry.client_id
  bytes[at] = 0x5a; // Entry.message
  at = putVarint(bytes, at + 1, body.byteLength);
  bytes.set(body, at);
  return bytes;
}
