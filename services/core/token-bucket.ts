/** Spares callers a refusal by what floating point rounds away. */
const epsilon = 1e-9;

/**
 * A token bucket: `rate` a second in the long run, `burst` at once. What is taken may cost more than there is, and what
 * is spent isn't asked for: both leave a debt that time pays back, of twice the burst at most. Pure.
 */
export class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  constructor(rate: number, burst: number, nowMs: number) {
    this.#rate = rate;
    this.#burst = burst;
    this.#tokens = burst;
    this.#atMs = nowMs;
  }

  /** Milliseconds to wait before the next one, 0 when it was taken. */
  take(nowMs: number, cost = 1): number {
    this.#refill(nowMs);
    if (this.#tokens >= 1 - epsilon) {
      this.#pay(cost);
      return 0;
    }
    return Math.ceil(((1 - this.#tokens) / this.#rate) * 1_000);
  }

  /** Pays for what could not be refused. */
  spend(nowMs: number, cost: number): void {
    this.#refill(nowMs);
    this.#pay(cost);
  }

  /** Whether the debt is more than the burst: whoever owes that much hears of no refusal. */
  overdrawn(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens < -this.#burst;
  }

  /** Milliseconds until the debt is paid; 0 when there is none. */
  debtMs(nowMs: number): number {
    this.#refill(nowMs);
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / this.#rate) * 1_000);
  }

  #refill(nowMs: number): void {
    if (nowMs <= this.#atMs) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#atMs) / 1_000) * this.#rate);
    this.#atMs = nowMs;
  }

  #pay(cost: number): void {
    this.#tokens = Math.max(this.#tokens - cost, -2 * this.#burst);
  }
}
