/** `error`: users feel it, or will when the next thing fails. `warning`: it should not stay so. */
export type Severity = 'ok' | 'warning' | 'error';

/** Something that was looked at. */
export interface Finding {
  readonly severity: Severity;
  /** What was looked at: `database`, `redis`, `kafka`, `nodes`, `certificates`, `machine` or `configuration`. */
  readonly part: string;
  /** One sentence. */
  readonly found: string;
  /** What to do; empty where all is well. */
  readonly advice: string;
}

/** Gathers what a part of the look finds. */
export class Findings {
  readonly all: Finding[] = [];
  readonly #part: string;

  constructor(part: string) {
    this.#part = part;
  }

  ok(found: string): void {
    this.#add('ok', found, '');
  }

  warning(found: string, advice: string): void {
    this.#add('warning', found, advice);
  }

  error(found: string, advice: string): void {
    this.#add('error', found, advice);
  }

  #add(severity: Severity, found: string, advice: string): void {
    this.all.push({ severity, part: this.#part, found, advice });
  }
}
