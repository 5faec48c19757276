import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loopShare } from './loop-share.ts';
import type { Service } from './service.ts';

/** How often it is looked whether it is quiet, in milliseconds. */
const lookEveryMs = 5_000;
/** Quiet is a time in which the event loop was busy for at most this part of it. */
const quietUtilization = 0.05;
/** Garbage that may lie there without being worth a collection, in bytes. */
const worthBytes = 24 * 1024 * 1024;

/** The process, as far as collecting concerns it. */
export interface Heap {
  /** The part of the time since the last call in which the event loop was busy, 0 to 1. */
  utilization(): number;
  /** Bytes that are held, garbage included. */
  bytes(): number;
  /** A full collection. */
  collect(): void;
}

/**
 * Gives memory back when it is quiet. After a burst (ten thousand sessions that sign in) a heap is mostly garbage, and
 * V8 leaves it alone until new allocations ask for a collection, which in a quiet process may be never. A full collection
 * costs tens of milliseconds, so it is only made in a time in which nobody waits for anything.
 */
export class QuietCollector implements Service {
  readonly name = 'quiet-collector';
  readonly #heap: Heap;
  #timer: NodeJS.Timeout | undefined;
  /** What was held when nothing of it was garbage, or less. */
  #heldBytes = 0;

  constructor(heap: Heap = processHeap()) {
    this.#heap = heap;
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => this.look(), lookEveryMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  /** Collects where it was quiet since the last look, and there may be enough to collect. */
  look(): void {
    const quiet = this.#heap.utilization() <= quietUtilization;
    const bytes = this.#heap.bytes();
    // What V8 has collected by itself is no garbage any more.
    this.#heldBytes = Math.min(this.#heldBytes, bytes);
    if (!quiet || bytes - this.#heldBytes < worthBytes) return;
    this.#heap.collect();
    this.#heldBytes = this.#heap.bytes();
    this.#heap.utilization();
  }
}

function processHeap(): Heap {
  // V8's own collection, which Node hides unless it is asked for.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return {
    utilization: loopShare(),
    bytes() {
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    },
    collect,
  };
}
