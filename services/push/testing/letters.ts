import type { DeadLetter, DeadLetters } from '../../ports/dead-letters.ts';

/** Dead letters as a courier hands them over, for tests that look at couriers. */
export class Letters implements DeadLetters {
  readonly dropped = 0;
  readonly kept: DeadLetter[] = [];
  /** Set to have keeping fail. */
  broken: Error | undefined;

  async add(letter: DeadLetter): Promise<void> {
    if (this.broken !== undefined) throw this.broken;
    this.kept.push(letter);
  }

  async list(): Promise<readonly DeadLetter[]> {
    return this.kept;
  }

  async find(ids: readonly string[]): Promise<readonly DeadLetter[]> {
    return this.kept.filter(({ id }) => ids.includes(id));
  }

  async remove(): Promise<void> {}

  async close(): Promise<void> {}
}
