const bucketsPerMs = 10;
const maxMs = 4_000;

/** Latencies in buckets of 0.1 ms up to 4 s; longer ones count as 4 s. */
export class Histogram {
  readonly #buckets = new Uint32Array(maxMs * bucketsPerMs + 1);
  #count = 0;
  #sum = 0;

  record(ms: number): void {
    const clamped = ms < 0 ? 0 : ms > maxMs ? maxMs : ms;
    const bucket = (clamped * bucketsPerMs) | 0;
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
    this.#count += 1;
    this.#sum += clamped;
  }

  get count(): number {
    return this.#count;
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** The upper edge of the bucket in which the quantile lies, in ms. */
  quantile(q: number): number {
    const wanted = Math.ceil(q * this.#count);
    if (wanted === 0) return 0;
    let seen = 0;
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      seen += this.#buckets[bucket] as number;
      if (seen >= wanted) return (bucket + 1) / bucketsPerMs;
    }
    return maxMs;
  }

  summary(): Latency {
    return {
      count: this.#count,
      meanMs: round(this.mean),
      p50Ms: this.quantile(0.5),
      p99Ms: this.quantile(0.99),
      maxMs: this.quantile(1),
    };
  }

  reset(): void {
    this.#buckets.fill(0);
    this.#count = 0;
    this.#sum = 0;
  }
}

export interface Latency {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const round = (value: number): number => Math.round(value * 100) / 100;
