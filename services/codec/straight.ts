import { frameLimits } from '../core/frame-limits.ts';
import { ackOf, type DecodedAck, type DecodedCommand, noBody } from './decoded-command.ts';
import type { Reader } from './reader.ts';
import { decodeUtf8 } from './utf8.ts';

/** Reads a send or an ack up to `end`; undefined where the command is none, or not written as encoders write it. */
export function readCommand(reader: Reader, end: number): DecodedCommand | undefined {
  const { buf } = reader;
  let id = 0;
  if (buf[reader.pos] === 0x08 && reader.pos < end) {
    reader.pos++;
    id = reader.uint32();
  }
  if (reader.pos >= end) return undefined;
  const tag = buf[reader.pos];
  if (tag !== 0x22 && tag !== 0x32) return undefined;
  reader.pos++;
  if (reader.end(end) !== end) return undefined;
  return tag === 0x22 ? readSend(reader, id, end) : readAck(reader, id, end);
}

function readSend(reader: Reader, id: number, end: number): DecodedCommand | undefined {
  const { buf } = reader;
  let convId: string | undefined;
  let to: string | undefined;
  let clientId: string | undefined;
  let body: Uint8Array | undefined;
  while (reader.pos < end) {
    const tag = buf[reader.pos++];
    const fieldEnd = reader.end(end);
    if (tag === 0x0a && convId === undefined && to === undefined)
      convId = decodeUtf8(buf, reader.pos, fieldEnd);
    else if (tag === 0x12 && convId === undefined && to === undefined)
      to = decodeUtf8(buf, reader.pos, fieldEnd);
    else if (tag === 0x1a && clientId === undefined) clientId = decodeUtf8(buf, reader.pos, fieldEnd);
    else if (tag === 0x22 && body === undefined) body = reader.bytes.subarray(reader.pos, fieldEnd);
    else return undefined;
    reader.pos = fieldEnd;
  }
  return { t: 'send', id, convId, to, clientId: clientId ?? '', body: body ?? noBody };
}

function readAck(reader: Reader, id: number, end: number): DecodedCommand | undefined {
  const items: DecodedAck[] = [];
  while (reader.pos < end) {
    // More than anybody may acknowledge at once: that is refused, and its things are counted first.
    if (items.length > frameLimits.ackItems) return undefined;
    if (reader.buf[reader.pos++] !== 0x0a) return undefined;
    const item = readAckItem(reader, reader.end(end));
    if (item === undefined) return undefined;
    items.push(item);
  }
  return ackOf(id, items);
}

function readAckItem(reader: Reader, end: number): DecodedAck | undefined {
  const { buf } = reader;
  let convId = '';
  let seq = 0;
  let msgId = 0n;
  if (reader.pos < end && buf[reader.pos] === 0x0a) {
    reader.pos++;
    const textEnd = reader.end(end);
    convId = decodeUtf8(buf, reader.pos, textEnd);
    reader.pos = textEnd;
  }
  if (reader.pos < end && buf[reader.pos] === 0x10) {
    reader.pos++;
    seq = reader.uint64();
  }
  if (reader.pos < end && buf[reader.pos] === 0x18) {
    reader.pos++;
    msgId = reader.bigint();
  }
  return reader.pos === end ? { convId, seq, msgId } : undefined;
}
