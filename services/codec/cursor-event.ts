import { numberFieldSize, putNumberField, putStringField, stringFieldSize } from './field.ts';
import { take } from './slab.ts';
import { utf8Size } from './utf8.ts';
import { halves, putVarint, varintSize } from './writer.ts';

/**
 * Fragment with a cursor that has moved. There is one for nearly each message of a direct conversation: the general encoder
 * makes buffers of their own for each, hundreds of thousands of which held up everything once they were collected.
 */
export function cursorFragment(cursor: {
  convId: string;
  userId: string;
  deliveredSeq: number;
  readSeq: number;
}): Uint8Array {
  const convIdSize = utf8Size(cursor.convId);
  const userIdSize = utf8Size(cursor.userId);
  const deliveredSeq = halves(cursor.deliveredSeq);
  const readSeq = halves(cursor.readSeq);
  const cursorSize =
    stringFieldSize(convIdSize) +
    stringFieldSize(userIdSize) +
    numberFieldSize(deliveredSeq) +
    numberFieldSize(readSeq);
  const eventSize = 1 + varintSize(cursorSize) + cursorSize;
  const bytes = take(1 + varintSize(eventSize) + eventSize);
  bytes[0] = 0x0a; // ConnectResponse.events
  let at = putVarint(bytes, 1, eventSize);
  bytes[at] = 0x4a; // Event.cursor
  at = putVarint(bytes, at + 1, cursorSize);
  at = putStringField(bytes, at, 0x0a, cursor.convId, convIdSize);
  at = putStringField(bytes, at, 0x12, cursor.userId, userIdSize);
  at = putNumberField(bytes, at, 0x18, deliveredSeq);
  putNumberField(bytes, at, 0x20, readSeq);
  return bytes;
}
