/**
 * Commands on their way out in this turn of the event loop, packed into as few frames as the server's limits allow.
 * An encoded command is a frame already, and frames put behind each other are one frame.
 */
export class Outbox {
  #parts: Uint8Array[] = [];
  #maxBytes: number;
  #maxCommands: number;

  constructor(limits: { maxBytes: number; maxCommands: number }) {
    this.#maxBytes = limits.maxBytes;
    this.#maxCommands = limits.maxCommands;
  }

  get empty(): boolean {
    return this.#parts.length === 0;
  }

  /** As Welcome says. */
  limit(limits: { maxBytes: number; maxCommands: number }): void {
    if (limits.maxBytes > 0) this.#maxBytes = limits.maxBytes;
    if (limits.maxCommands > 0) this.#maxCommands = limits.maxCommands;
  }

  push(encoded: Uint8Array): void {
    this.#parts.push(encoded);
  }

  clear(): void {
    this.#parts = [];
  }

  /** All that was pushed, in order, as frames within the limits. */
  take(): Uint8Array[] {
    const frames: Uint8Array[] = [];
    let from = 0;
    let bytes = 0;
    for (const [at, part] of this.#parts.entries()) {
      if (at > from && (bytes + part.byteLength > this.#maxBytes || at - from >= this.#maxCommands)) {
        frames.push(join(this.#parts.slice(from, at), bytes));
        from = at;
        bytes = 0;
      }
      bytes += part.byteLength;
    }
    if (from < this.#parts.length) frames.push(join(this.#parts.slice(from), bytes));
    this.#parts = [];
    return frames;
  }
}

function join(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const frame = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    frame.set(part, at);
    at += part.byteLength;
  }
  return frame;
}
