import { numberFieldSize, putNumberField, putStringField, stringFieldSize } from './field.ts';
import { take } from './slab.ts';
import { utf8Size } from './utf8.ts';
import { bigHalves, halves, putVarint, varintSize } from './writer.ts';

/** Fragment that answers a send. */
export function sentFragment(
  replyTo: number,
  sent: { convId: string; seq: number; msgId: bigint; createdAtMs: number; duplicate: boolean },
): Uint8Array {
  const convIdSize = utf8Size(sent.convId);
  const seq = halves(sent.seq);
  const msgId = bigHalves(sent.msgId);
  const createdAtMs = halves(sent.createdAtMs);
  const sentSize =
    stringFieldSize(convIdSize) +
    numberFieldSize(seq) +
    numberFieldSize(msgId) +
    numberFieldSize(createdAtMs) +
    (sent.duplicate ? 2 : 0);
  const replySize = replyTo === 0 ? 0 : 1 + varintSize(replyTo);
  const eventSize = replySize + 1 + varintSize(sentSize) + sentSize;

  const bytes = take(1 + varintSize(eventSize) + eventSize);
  bytes[0] = 0x0a; // ConnectResponse.events
  let at = putVarint(bytes, 1, eventSize);
  if (replyTo !== 0) {
    bytes[at] = 0x08; // Event.reply_to
    at = putVarint(bytes, at + 1, replyTo);
  }
  bytes[at] = 0x1a; // Event.sent
  at = putVarint(bytes, at + 1, sentSize);
  at = putStringField(bytes, at, 0x0a, sent.convId, convIdSize);
  at = putNumberField(bytes, at, 0x10, seq);
  at = putNumberField(bytes, at, 0x18, msgId);
  at = putNumberField(bytes, at, 0x20, createdAtMs);
  if (sent.duplicate) {
    bytes[at] = 0x28;
    bytes[at + 1] = 1;
  }
  return bytes;
}
