/** What must never happen to a message, whatever the load. */
export type Violation =
  /** A text that nobody sent in this pass, or to somebody who is not in the conversation. */
  | 'stray'
  /** Sender, conversation or filler are not those that were sent. */
  | 'altered'
  /** The same message twice. */
  | 'repeated'
  /** Not the next one of its sender, or of the conversation. */
  | 'outOfOrder'
  /** The place in the conversation is not the one after the last. */
  | 'seqGap'
  /** Two acknowledgements, or one with another place than the delivery had. */
  | 'wrongAck'
  /** Acknowledged and never delivered. */
  | 'lost';

const maxExamples = 5;

/** Counts violations, and keeps a few to show. */
export class Violations {
  readonly #counts = new Map<Violation, number>();
  readonly #examples: string[] = [];

  add(kind: Violation, what: string, times = 1): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + times);
    if (this.#examples.length < maxExamples) this.#examples.push(`${kind}: ${what}`);
  }

  get total(): number {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }

  count(kind: Violation): number {
    return this.#counts.get(kind) ?? 0;
  }

  get examples(): readonly string[] {
    return this.#examples;
  }

  reset(): void {
    this.#counts.clear();
    this.#examples.length = 0;
  }
}
