import type { Link, LinkEvents } from './link.ts';

interface Ends<A, B> {
  /** Given its link, each end says what it does with what arrives. */
  readonly a: (link: Link<A>) => LinkEvents<B>;
  readonly b: (link: Link<B>) => LinkEvents<A>;
  /** Most bytes on their way in each direction. */
  readonly limitBytes: number;
}

/** A link inside one process: frames are handed over as they are, in order, at the end of the current task. */
export function connectDirect<A, B>({ a, b, limitBytes }: Ends<A, B>): { close(reason: string): void } {
  const toB = new Direction<A>(limitBytes, (reason) => close(reason));
  const toA = new Direction<B>(limitBytes, (reason) => close(reason));
  const eventsA = a(toB);
  const eventsB = b(toA);
  toB.deliverTo((frames) => eventsB.frames(frames));
  toA.deliverTo((frames) => eventsA.frames(frames));
  let closed = false;
  function close(reason: string): void {
    if (closed) return;
    closed = true;
    toA.end();
    toB.end();
    eventsA.down(reason);
    eventsB.down(reason);
  }
  return { close };
}

class Direction<T> implements Link<T> {
  readonly #limitBytes: number;
  readonly #onClose: (reason: string) => void;
  #deliver: ((frames: readonly T[]) => void) | undefined;
  #frames: T[] = [];
  #bytes = 0;
  #scheduled = false;
  #closed = false;

  constructor(limitBytes: number, onClose: (reason: string) => void) {
    this.#limitBytes = limitBytes;
    this.#onClose = onClose;
  }

  deliverTo(deliver: (frames: readonly T[]) => void): void {
    this.#deliver = deliver;
    if (this.#frames.length > 0) this.#schedule();
  }

  send(frame: T, bytes: number): 'queued' | 'full' | 'closed' {
    if (this.#closed) return 'closed';
    if (this.#bytes + bytes > this.#limitBytes) return 'full';
    this.#bytes += bytes;
    this.#frames.push(frame);
    if (!this.#scheduled && this.#deliver !== undefined) this.#schedule();
    return 'queued';
  }

  close(reason: string): void {
    this.#onClose(reason);
  }

  end(): void {
    this.#closed = true;
    this.#frames = [];
  }

  #schedule(): void {
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.#closed || this.#frames.length === 0) return;
      const frames = this.#frames;
      this.#frames = [];
      this.#bytes = 0;
      this.#deliver?.(frames);
    });
  }
}
