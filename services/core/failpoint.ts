/**
 * Named places in the code where tests make a process die, freeze, dawdle or fail. A process started without them has
 * no Failpoints object at all, so that a place costs one comparison: `failpoints?.hit('beforeCommit')`.
 */

/** Every place there is. A name that is not here is refused, so that no test waits for a place that was renamed. */
export const failpointNames = [
  /** Store thread: the batch is staged, nothing is written yet. */
  'beforeCommit',
  /** Store thread: half of the batch's conversations are staged. */
  'midBatch',
  /** Store thread: the batch is durable, nobody was told. */
  'afterCommit',
  /** Owner: the outcome is known, nobody was told. */
  'beforeFanout',
  /** Connection node: the session is registered, Welcome is not sent. */
  'afterRegister',
] as const;

export type FailpointName = (typeof failpointNames)[number];

type Action =
  | { readonly t: 'crash' }
  | { readonly t: 'freeze' }
  | { readonly t: 'error' }
  | { readonly t: 'delay'; readonly ms: number };

interface Point {
  readonly action: Action;
  /** Acts on this hit alone, counted from 1; 0: on every hit. */
  readonly only: number;
  hits: number;
}

/** What a place throws under `error`: stands for an I/O error there. */
export class FailpointError extends Error {
  constructor(name: FailpointName) {
    super(`failpoint ${name}: simulated I/O error`);
    this.name = 'FailpointError';
  }
}

export class Failpoints {
  readonly #points: ReadonlyMap<FailpointName, Point>;

  private constructor(points: ReadonlyMap<FailpointName, Point>) {
    this.#points = points;
  }

  /**
   * Reads `name=action[:ms][@n],…`: actions are `crash` (SIGKILL), `freeze` (SIGSTOP), `delay:ms` and `error`; `@n` acts
   * on the nth hit alone. Undefined for an empty text. Throws RangeError that names what it can't read.
   */
  static parse(text: string): Failpoints | undefined {
    if (text.trim() === '') return undefined;
    const points = new Map<FailpointName, Point>();
    for (const part of text.split(',')) {
      const match = /^\s*(\w+)=(crash|freeze|error|delay:(\d{1,6}))(?:@(\d{1,9}))?\s*$/.exec(part);
      if (match === null) throw new RangeError(`can't read failpoint "${part.trim()}"`);
      const name = failpointNames.find((known) => known === match[1]);
      if (name === undefined) throw new RangeError(`there is no failpoint "${match[1]}"`);
      const action: Action =
        match[3] === undefined
          ? { t: match[2] as 'crash' | 'freeze' | 'error' }
          : { t: 'delay', ms: Number(match[3]) };
      points.set(name, { action, only: Number(match[4] ?? 0), hits: 0 });
    }
    return new Failpoints(points);
  }

  /** Does what the tests asked for here. Throws under `error`; a promise under `delay`: await it. */
  hit(name: FailpointName): Promise<void> | undefined {
    const point = this.#points.get(name);
    if (point === undefined) return undefined;
    point.hits += 1;
    if (point.only !== 0 && point.hits !== point.only) return undefined;
    switch (point.action.t) {
      case 'crash':
        process.kill(process.pid, 'SIGKILL');
        return undefined;
      case 'freeze':
        process.kill(process.pid, 'SIGSTOP');
        return undefined;
      case 'error':
        throw new FailpointError(name);
      case 'delay': {
        const { ms } = point.action;
        return new Promise((resolve) => setTimeout(resolve, ms));
      }
    }
  }
}
