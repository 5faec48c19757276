import { ByteQueue } from './queue.ts';

export interface OutboxInit {
  /** Bytes that may wait; what is pushed with 0 bytes always fits. */
  readonly limitBytes: number;
  /** A batch ends with the frame that brings it to this size. */
  readonly batchBytes: number;
}

/**
 * Frames on their way into a stream that pulls them: a turn of the event loop's frames leave together, and while the
 * stream is not pulled they wait, within a limit.
 */
export class Outbox<T> {
  readonly #init: OutboxInit;
  readonly #queue: ByteQueue<{ readonly frame: T; readonly bytes: number }>;
  #wake: () => void = () => {};
  #closed = false;

  constructor(init: OutboxInit) {
    this.#init = init;
    this.#queue = new ByteQueue(init.limitBytes);
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#queue.bytes;
  }

  get closed(): boolean {
    return this.#closed;
  }

  push(frame: T, bytes: number): 'queued' | 'full' | 'closed' {
    const result = this.#queue.push({ frame, bytes }, bytes);
    if (result === 'queued') this.#wake();
    return result;
  }

  /** Takes no more; the batches end once what waits has been taken. */
  close(): void {
    this.#closed = true;
    this.#queue.close();
    this.#wake();
  }

  /** What was pushed, batch by batch, until the outbox is closed. To be iterated by one reader. */
  async *batches(): AsyncGenerator<T[], void> {
    for (;;) {
      if (this.#queue.length === 0) {
        if (this.#closed) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        // The rest of this turn's frames belong in the same batch.
        await new Promise((resolve) => setImmediate(resolve));
      }
      const batch: T[] = [];
      for (let bytes = 0; bytes < this.#init.batchBytes; ) {
        const next = this.#queue.shift();
        if (next === undefined) break;
        batch.push(next.frame);
        bytes += next.bytes;
      }
      if (batch.length > 0) yield batch;
    }
  }
}
