/**
 * A frame in two parts: what is its own, and what is kept somewhere and goes to others as well. Where it can be written
 * in two parts, it is never copied into one buffer.
 */
export class LongFrame {
  readonly head: Uint8Array;
  readonly rest: Uint8Array;

  constructor(head: Uint8Array, rest: Uint8Array) {
    this.head = head;
    this.rest = rest;
  }

  get byteLength(): number {
    return this.head.byteLength + this.rest.byteLength;
  }
}

/** An encoded `parley.chat.v1.ConnectResponse`. Buffers are shared: never change them. */
export type Frame = Uint8Array | LongFrame;

/** The frame in one buffer. */
export function wholeFrame(frame: Frame): Uint8Array {
  if (!(frame instanceof LongFrame)) return frame;
  const whole = Buffer.allocUnsafe(frame.byteLength);
  whole.set(frame.head, 0);
  whole.set(frame.rest, frame.head.byteLength);
  return whole;
}
