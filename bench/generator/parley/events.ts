import { join, nothing } from '../client.ts';
import { Reader, varintTag } from './reader.ts';

/** Field numbers of `parley.chat.v1.Event`. */
export const eventField = {
  welcome: 2,
  sent: 3,
  error: 4,
  entry: 5,
  entries: 6,
  gap: 7,
  changes: 8,
  kicked: 12,
  draining: 13,
} as const;

/** Takes what a scanner finds. The buffer is only good during the call. */
export interface EventSink {
  /** Goes over items that it can check at a glance; returns where it stopped, which is the start of an item. */
  glance?(buffer: Buffer, start: number, end: number): number;
  /** One event: its oneof's field number, whom it answers, and its value. `itemStart` to `end` is the whole item. */
  event(
    field: number,
    replyTo: number,
    buffer: Buffer,
    start: number,
    end: number,
    itemStart: number,
    itemEnd: number,
  ): void;
}

const eventsTag = 0x0a;
const replyToTag = varintTag(1);
const reader = new Reader();

/**
 * Reads a stream of `parley.chat.v1.ConnectResponse` frames event by event. Encoded frames concatenate to one valid
 * frame, so where a frame ends makes no difference, and an event that is cut in two waits for its rest.
 */
export class EventScanner {
  readonly #sink: EventSink;
  #carry = nothing;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  feed(chunk: Buffer, chunkStart: number, chunkEnd: number): void {
    const carried = this.#carry.length > 0;
    const buffer = carried ? join(this.#carry, chunk, chunkStart, chunkEnd) : chunk;
    const end = carried ? buffer.length : chunkEnd;
    const stop = this.#scan(buffer, carried ? 0 : chunkStart, end);
    this.#carry = stop < end ? Buffer.from(buffer.subarray(stop, end)) : nothing;
  }

  #scan(buffer: Buffer, start: number, end: number): number {
    const sink = this.#sink;
    let at = start;
    while (at < end) {
      if (sink.glance !== undefined) {
        at = sink.glance(buffer, at, end);
        if (at === end) break;
      }
      if (buffer[at] !== eventsTag) throw new Error(`not an event: tag ${buffer[at]}`);
      const body = lengthAt(buffer, at + 1, end);
      if (body === undefined || body.end > end) break;
      this.#event(buffer, at, body.start, body.end);
      at = body.end;
    }
    return at;
  }

  #event(buffer: Buffer, itemStart: number, start: number, end: number): void {
    let replyTo = 0;
    let field = 0;
    let valueStart = 0;
    let valueEnd = 0;
    const r = reader.open(buffer, start, end);
    while (r.at < end) {
      const tag = r.varint();
      if (tag === replyToTag) replyTo = r.varint();
      else {
        field = tag >> 3;
        const length = r.varint();
        valueStart = r.at;
        valueEnd = r.at += length;
      }
    }
    this.#sink.event(field, replyTo, buffer, valueStart, valueEnd, itemStart, end);
  }
}

const found = { start: 0, end: 0 };

/** The range that a length at `at` announces; undefined when the length itself is cut. The result is reused. */
function lengthAt(buffer: Buffer, at: number, end: number): { start: number; end: number } | undefined {
  let length = 0;
  let factor = 1;
  for (let i = at; i < end; i++) {
    const byte = buffer[i] as number;
    length += (byte & 127) * factor;
    if (byte < 128) {
      found.start = i + 1;
      found.end = i + 1 + length;
      return found;
    }
    factor *= 128;
  }
  return undefined;
}
