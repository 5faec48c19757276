/**
 * Draws which commands are traced, each with the same chance. How many are passed over until the next one is drawn
 * beforehand, so that those cost a decrement.
 */
export class HeadSampler {
  readonly #ratio: number;
  readonly #random: () => number;
  #left: number;

  /** `ratio`: 0 for none, 1 for all. `random` gives 0 ≤ x < 1. */
  constructor({ ratio, random }: { readonly ratio: number; readonly random: () => number }) {
    this.#ratio = ratio;
    this.#random = random;
    this.#left = this.#draw();
  }

  /** Whether this one is. */
  take(): boolean {
    if (this.#left > 0) {
      this.#left -= 1;
      return false;
    }
    this.#left = this.#draw();
    return true;
  }

  /** Geometrically distributed: how often a coin comes up tails before its first heads. */
  #draw(): number {
    if (this.#ratio >= 1) return 0;
    if (this.#ratio <= 0) return Number.POSITIVE_INFINITY;
    // log1p: 1 less a very small ratio is 1, whose logarithm would draw all.
    return Math.floor(Math.log1p(-this.#random()) / Math.log1p(-this.#ratio));
  }
}
