import type { Dice } from './dice.ts';

/** What becomes of one operation of the store, as the caller hears of it. */
export type StoreFate =
  | 'done'
  /** Nothing is written, and the caller is told so. */
  | 'unavailable'
  /** Written, but the answer is lost. */
  | 'unknownAfter'
  /** Not written, and nobody can say so. */
  | 'unknownBefore'
  /** The answer is lost, and the write is carried out later. */
  | 'unknownLate';

/** The latest that a write comes that its caller has given up on, in milliseconds. */
export const latestMs = 4_000;

/** How much goes wrong by itself: the chance of each fault is one in so many; 0 means never. */
export interface Climate {
  readonly slowAnswers: number;
  readonly failedReads: number;
  readonly failedCommits: number;
  readonly slowFrames: number;
}

export const fairClimate: Climate = { slowAnswers: 0, failedReads: 0, failedCommits: 0, slowFrames: 0 };

/** How long things take, and what fails by itself. */
export class Weather {
  readonly #dice: Dice;
  #climate: Climate;

  constructor(dice: Dice, climate: Climate) {
    this.#dice = dice;
    this.#climate = climate;
  }

  /** From now on nothing fails by itself. */
  calm(): void {
    this.#climate = fairClimate;
    this.unreadable = false;
  }

  /** One way between a node and the database, in milliseconds. */
  storeMs(): number {
    const dice = this.#dice;
    const { slowAnswers } = this.#climate;
    if (slowAnswers > 0 && dice.oneIn(slowAnswers)) return dice.between(20, dice.oneIn(5) ? 2_500 : 200);
    return dice.between(0.1, 3);
  }

  /** How long the next commit takes to the database, where a test says so; and then, as long as anything else. */
  heldCommitMs = 0;

  /** Nothing can be read from the database, as long as a test says so. */
  unreadable = false;

  /** One way of a commit to the database. */
  commitMs(): number {
    const heldMs = this.heldCommitMs;
    this.heldCommitMs = 0;
    return heldMs > 0 ? heldMs : this.storeMs();
  }

  /** One way between two nodes. */
  linkMs(): number {
    const dice = this.#dice;
    const { slowFrames } = this.#climate;
    if (slowFrames > 0 && dice.oneIn(slowFrames)) return dice.between(5, dice.oneIn(4) ? 800 : 60);
    return dice.between(0.05, 1);
  }

  fate(operation: 'commit' | 'read'): StoreFate {
    const dice = this.#dice;
    const { failedCommits, failedReads } = this.#climate;
    if (operation === 'read') {
      if (this.unreadable) return 'unavailable';
      return failedReads > 0 && dice.oneIn(failedReads) ? 'unavailable' : 'done';
    }
    if (failedCommits === 0 || !dice.oneIn(failedCommits)) return 'done';
    return dice.pick(['unavailable', 'unknownAfter', 'unknownBefore', 'unknownLate'] as const);
  }

  /** How many of so many things are done, where not all may be. */
  partOf(count: number): number {
    return this.#dice.below(count + 1);
  }

  /** After how long a write comes that its caller has given up on. */
  lateMs(): number {
    return this.#dice.between(1, this.#dice.oneIn(3) ? latestMs : 300);
  }
}
