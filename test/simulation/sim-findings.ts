/** A promise that was broken in a simulated schedule, or something that must not happen at all. */
export interface SimFinding {
  readonly rule: string;
  readonly what: string;
}

const mostKept = 20;

/** What was found wrong in one schedule: the first ones. */
export class SimFindings {
  readonly #kept: SimFinding[] = [];

  get all(): readonly SimFinding[] {
    return this.#kept;
  }

  add(rule: string, what: string): void {
    if (this.#kept.length < mostKept) this.#kept.push({ rule, what });
  }
}
