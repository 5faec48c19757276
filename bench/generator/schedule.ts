/** When each message of a pass is due. Latencies count from here, so a late generator can't flatter the server. */
export class Schedule {
  readonly firstK: number;
  readonly total: number;
  readonly startMs: number;
  readonly #intervalMs: number;

  constructor(o: { firstK: number; ratePerSecond: number; seconds: number; startMs: number }) {
    this.firstK = o.firstK;
    this.total = Math.max(1, Math.round(o.ratePerSecond * o.seconds));
    this.startMs = o.startMs;
    this.#intervalMs = 1000 / o.ratePerSecond;
  }

  dueAt(k: number): number {
    return this.startMs + (k - this.firstK) * this.#intervalMs;
  }

  /** The number after the last one that is due. */
  dueBy(nowMs: number): number {
    const due = Math.floor((nowMs - this.startMs) / this.#intervalMs) + 1;
    return this.firstK + Math.min(this.total, Math.max(0, due));
  }

  get endK(): number {
    return this.firstK + this.total;
  }

  has(k: number): boolean {
    return k >= this.firstK && k < this.endK;
  }
}
