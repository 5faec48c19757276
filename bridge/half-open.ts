import type { Duplex } from 'node:stream';
import type { Clock } from '../services/core/clock.ts';
import type { BridgeCounters } from './metrics.ts';

const sweepMs = 500;

export interface HalfOpenInit {
  readonly limit: number;
  readonly timeoutMs: number;
  readonly counters: BridgeCounters;
  readonly clock: Clock;
}

/** Connections that have not made a complete request yet: few at a time, and not for long. */
export class HalfOpen {
  readonly #init: HalfOpenInit;
  /** Since when; the oldest first, as a map keeps its order. */
  readonly #waiting = new Map<Duplex, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(init: HalfOpenInit) {
    this.#init = init;
    this.#timer = setInterval(() => this.#sweep(), sweepMs);
    this.#timer.unref();
  }

  /** False when there are too many: the connection is refused. */
  enter(connection: Duplex): boolean {
    if (this.#waiting.size >= this.#init.limit) {
      this.#init.counters.refused.halfOpen += 1;
      return false;
    }
    this.#waiting.set(connection, this.#init.clock.monotonicMs());
    return true;
  }

  /** The connection made its first request, or is gone. */
  leave(connection: Duplex): void {
    this.#waiting.delete(connection);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const connection of this.#waiting.keys()) connection.destroy();
  }

  #sweep(): void {
    const before = this.#init.clock.monotonicMs() - this.#init.timeoutMs;
    for (const [connection, since] of this.#waiting) {
      if (since > before) return;
      this.#init.counters.refused.handshakeTimeout += 1;
      this.#waiting.delete(connection);
      connection.destroy();
    }
  }
}
