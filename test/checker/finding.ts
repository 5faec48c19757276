/** The rules of the checker, by the promise that each holds the server to. */
export type Rule =
  | 'acknowledgedIsStored'
  | 'contentIsWhatWasSent'
  | 'nothingRepeated'
  | 'gapless'
  | 'oneOrder'
  | 'sendersOrder'
  | 'sameLogForAll'
  | 'cursorsOnlyGrow'
  | 'rulesHold';

export interface Finding {
  readonly rule: Rule;
  /** In words, with the ids that one needs to look further. */
  readonly what: string;
}

const keptPerRule = 20;

/** Takes findings; keeps a few of each rule, counts all. */
export class Findings {
  readonly #kept: Finding[] = [];
  readonly #counts = new Map<Rule, number>();

  add(rule: Rule, what: string): void {
    const count = (this.#counts.get(rule) ?? 0) + 1;
    this.#counts.set(rule, count);
    if (count <= keptPerRule) this.#kept.push({ rule, what });
  }

  get kept(): readonly Finding[] {
    return this.#kept;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }
}
