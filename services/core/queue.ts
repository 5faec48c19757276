/**
 * Frames on their way to a writer, bounded in bytes. `push` says what happened, and nothing is dropped in silence: the
 * caller decides what "full" costs and whom.
 */
export class ByteQueue<T> {
  readonly limitBytes: number;
  #frames: T[] = [];
  #sizes: number[] = [];
  #head = 0;
  #bytes = 0;
  #closed = false;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#frames.length - this.#head;
  }

  push(frame: T, bytes: number): 'queued' | 'full' | 'closed' {
    if (this.#closed) return 'closed';
    if (this.#bytes + bytes > this.limitBytes) return 'full';
    this.#frames.push(frame);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    return 'queued';
  }

  /** The oldest frame, or undefined when none waits. */
  shift(): T | undefined {
    if (this.#head === this.#frames.length) return undefined;
    const frame = this.#frames[this.#head] as T;
    this.#frames[this.#head] = undefined as T;
    this.#bytes -= this.#sizes[this.#head] as number;
    this.#head++;
    // Array.shift moves all that follow; cutting off the used half now and then moves each frame once.
    if (this.#head > 64 && this.#head * 2 > this.#frames.length) {
      this.#frames.splice(0, this.#head);
      this.#sizes.splice(0, this.#head);
      this.#head = 0;
    }
    return frame;
  }

  /** All that waits, oldest first; the queue is empty afterwards. */
  drain(): T[] {
    const frames = this.#head === 0 ? this.#frames : this.#frames.slice(this.#head);
    this.#frames = [];
    this.#sizes = [];
    this.#head = 0;
    this.#bytes = 0;
    return frames;
  }

  /** Takes no more; what waits stays to be read. */
  close(): void {
    this.#closed = true;
  }
}
