/** How often the best rate is lowered when it isn't confirmed: a server that keeps getting slower is no target. */
const mostLowered = 8;

/** What a pass at some rate was like. */
export interface Trial {
  readonly rate: number;
  /** Fast enough, and nothing lost, refused or disturbed. */
  readonly good: boolean;
}

export interface SearchOptions {
  readonly startRate: number;
  /** How much faster the next trial is while climbing. */
  readonly factor: number;
  /** How often the distance between the best good and the first bad rate is halved. */
  readonly refinements: number;
  readonly maxRate: number;
  /** How many passes at the best rate must be good, by majority. */
  readonly confirmations: number;
}

export interface Found<T> {
  readonly rate: number;
  /** The passes at that rate that confirmed it. */
  readonly passes: readonly T[];
}

/**
 * The best rate at which passes are good: steps up until two passes in a row at a rate are bad, halves the distance,
 * then has the result confirmed by several passes; what isn't confirmed goes down by a tenth, eight times at most. Undefined
 * when even a twentieth of the starting rate is bad, or when none is confirmed.
 */
export async function findBestRate<T extends Trial>(
  pass: (rate: number) => Promise<T>,
  o: SearchOptions,
  onConfirming?: () => void,
): Promise<Found<T> | undefined> {
  const twice = async (rate: number) => (await pass(rate)).good || (await pass(rate)).good;
  let best = 0;
  let bad = Number.POSITIVE_INFINITY;
  for (let rate = o.startRate; rate <= o.maxRate; rate *= o.factor) {
    if (await twice(Math.round(rate))) best = Math.round(rate);
    else {
      bad = Math.round(rate);
      break;
    }
  }
  for (let rate = o.startRate / 2; best === 0 && rate >= o.startRate / 20; rate /= 2) {
    if (await twice(Math.round(rate))) best = Math.round(rate);
    else bad = Math.round(rate);
  }
  if (best === 0) return undefined;
  for (let i = 0; i < o.refinements && Number.isFinite(bad); i++) {
    const middle = Math.round((best + bad) / 2);
    if (middle === best || middle === bad) break;
    if (await twice(middle)) best = middle;
    else bad = middle;
  }
  onConfirming?.();
  let rate = best;
  for (let lowered = 0; lowered <= mostLowered && rate >= 1; lowered++) {
    const passes: T[] = [];
    const good = () => passes.filter((trial) => trial.good);
    // Once the majority is decided, further passes say nothing about it.
    while (passes.length < o.confirmations && (passes.length - good().length) * 2 <= o.confirmations)
      passes.push(await pass(rate));
    if (good().length * 2 > o.confirmations) return { rate, passes: good() };
    rate = Math.round(rate * 0.9);
  }
  return undefined;
}

/** The middle value; of two middle ones the lower. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
