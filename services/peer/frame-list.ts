import { FieldWriter } from '../codec/field-writer.ts';
import { Reader } from '../codec/reader.ts';

/** A link's message is nothing but frames, field 1. */
const frameTag = 0x0a;
const writer = new FieldWriter();

/** Encodes a link's message: each frame by `put` where that knows it, else by `encode`. */
export function writeFrames<T>(
  frames: readonly T[],
  put: (to: FieldWriter, frame: T) => boolean,
  encode: (frame: T) => Uint8Array,
): Uint8Array {
  writer.begin();
  for (const frame of frames) {
    const start = writer.open(frameTag, 2);
    if (put(writer, frame)) writer.close(start, 2);
    else {
      writer.abandon(start, 2);
      writer.message(frameTag, encode(frame));
    }
  }
  return writer.finish();
}

/**
 * Decodes a link's message: each frame by `read` where that finds its own, else by `decode`. Undefined where something
 * is not as encoders write it: what is taken for a message, and what is wrong with it, is for protobuf-es alone to say.
 */
export function readFrames<T>(
  bytes: Uint8Array,
  read: (from: Reader, end: number) => T | undefined,
  decode: (encoded: Uint8Array) => T,
): T[] | undefined {
  const frames: T[] = [];
  const reader = new Reader(bytes);
  try {
    while (reader.pos < bytes.byteLength) {
      if (reader.uint32() !== frameTag) return undefined;
      const end = reader.end(bytes.byteLength);
      const start = reader.pos;
      frames.push(straight(reader, end, read) ?? decode(bytes.subarray(start, end)));
      reader.pos = end;
    }
    return frames;
  } catch {
    return undefined;
  }
}

function straight<T>(
  reader: Reader,
  end: number,
  read: (from: Reader, end: number) => T | undefined,
): T | undefined {
  try {
    return read(reader, end);
  } catch {
    return undefined;
  }
}
