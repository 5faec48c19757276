import type { FieldWriter } from '../codec/field-writer.ts';
import { type Reader } from '../codec/reader.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { EdgeFrame } from './edge-frames.ts';

/**
 * The frames of connection nodes that come with every message: commands that send, and acknowledgements. They are written
 * as protobuf-es writes them, and read where they are in that form.
 */

type Command = Extract<EdgeFrame, { t: 'command' }>;
type Delivered = Extract<EdgeFrame, { t: 'delivered' }>;
type DeliveredItem = Delivered['items'][number];

const commandTag = 0x12;
const deliveredTag = 0x1a;
const sendTag = 0x22;
const itemTag = 0x0a;
const noBody = new Uint8Array(0);

/** Writes what an EdgeFrame holds; false, and nothing is written, where the frame is none of these. */
export function putHotEdgeFrame(to: FieldWriter, frame: { readonly t: string } | EdgeFrame): boolean {
  const known = frame as EdgeFrame;
  if (known.t === 'command') return putCommand(to, known);
  if (known.t !== 'delivered') return false;
  const start = to.open(deliveredTag, 2);
  for (const { convId, userId, seq } of known.items) {
    const item = to.open(itemTag, 1);
    to.text(0x0a, convId);
    to.text(0x12, userId);
    to.integer(0x18, seq);
    to.close(item, 1);
  }
  to.close(start, 2);
  return true;
}

function putCommand(to: FieldWriter, { call, session, userId, op, trace }: Command): boolean {
  if (op.t !== 'send' || trace !== undefined) return false;
  const start = to.open(commandTag, 2);
  to.integer(0x08, call);
  to.integer(0x10, session);
  to.text(0x1a, userId);
  const send = to.open(sendTag, 2);
  to.text(0x0a, op.convId);
  if (op.peer !== undefined) to.text(0x12, op.peer);
  to.text(0x1a, op.clientId);
  to.bytes(0x22, op.body);
  to.uint32(0x28, op.chain);
  to.close(send, 2);
  to.close(start, 2);
  return true;
}

/** Reads an EdgeFrame up to `end`; undefined, or a throw, where it is none of these or not written as encoders write it. */
export function readHotEdgeFrame(from: Reader, end: number): Command | Delivered | undefined {
  const tag = from.buf[from.pos];
  if (tag !== commandTag && tag !== deliveredTag) return undefined;
  from.pos += 1;
  if (from.end(end) !== end) return undefined;
  return tag === commandTag ? readCommand(from, end) : readDelivered(from, end);
}

function readCommand(from: Reader, end: number): Command | undefined {
  const call = from.integerField(0x08, end);
  const session = from.integerField(0x10, end);
  const userId = from.textField(0x1a, end) as UserId;
  if (from.pos >= end || from.buf[from.pos] !== sendTag) return undefined;
  from.pos += 1;
  if (from.end(end) !== end) return undefined;
  const convId = from.textField(0x0a, end) as ConvId;
  const peer = from.textField(0x12, end) as UserId;
  const clientId = from.textField(0x1a, end);
  let body: Uint8Array = noBody;
  if (from.pos < end && from.buf[from.pos] === 0x22) {
    from.pos += 1;
    const bodyEnd = from.end(end);
    body = from.bytes.subarray(from.pos, bodyEnd);
    from.pos = bodyEnd;
  }
  const chain = from.uint32Field(0x28, end);
  if (from.pos !== end) return undefined;
  const op = { t: 'send', convId, peer: peer === '' ? undefined : peer, clientId, body, chain } as const;
  return { t: 'command', call, session, userId, op };
}

function readDelivered(from: Reader, end: number): Delivered | undefined {
  const items: DeliveredItem[] = [];
  while (from.pos < end) {
    if (from.buf[from.pos] !== itemTag) return undefined;
    from.pos += 1;
    const itemEnd = from.end(end);
    const convId = from.textField(0x0a, itemEnd) as ConvId;
    const userId = from.textField(0x12, itemEnd) as UserId;
    const seq = from.integerField(0x18, itemEnd);
    if (from.pos !== itemEnd) return undefined;
    items.push({ convId, userId, seq });
  }
  return { t: 'delivered', items };
}
