import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ListDeadLettersResponseSchema,
  ReplayedLetterSchema,
} from '../../gen/parley/chat/v1/dead_letter_pb.ts';
import { Fault } from '../core/fault.ts';
import type { DeadLetter, DeadLetters } from '../ports/dead-letters.ts';

/** Sends a letter again, one attempt; undefined where it was accepted, else why not. Never rejects. */
export type Resend = (letter: DeadLetter) => Promise<string | undefined>;

const usualPage = 100;
const mostListed = 10_000;
/** How long who asks for a replay waits for it, or for letters to be dropped. */
export const replayMs = 55_000;

export interface LetterDeskParts {
  readonly letters: DeadLetters;
  readonly resend: Resend;
  /** How long one attempt may take. A replay begins none that could end after its caller has given up. */
  readonly attemptMs: number;
}

/** Dead letters, for those who look after them. */
export class LetterDesk {
  readonly #letters: DeadLetters;
  readonly #resend: Resend;
  readonly #replayWithinMs: number;

  constructor({ letters, resend, attemptMs }: LetterDeskParts) {
    this.#letters = letters;
    this.#resend = resend;
    this.#replayWithinMs = replayMs - attemptMs;
  }

  async list(limit: number): Promise<MessageInitShape<typeof ListDeadLettersResponseSchema>> {
    const wanted = limit === 0 ? usualPage : limit;
    const letters = await this.#kept(this.#letters.list(Math.min(wanted + 1, mostListed)));
    return {
      more: letters.length > wanted,
      letters: letters
        .slice(0, wanted)
        .map(({ firstSeq, lastSeq, occurredAtMs, failedAtMs, body: _, ...same }) => ({
          ...same,
          firstSeq: BigInt(firstSeq),
          lastSeq: BigInt(lastSeq),
          occurredAtMs: BigInt(occurredAtMs),
          failedAtMs: BigInt(failedAtMs),
        })),
    };
  }

  /** In the order in which they happened, so that a receiver that is back hears of them so. */
  async replay(ids: readonly string[]): Promise<readonly MessageInitShape<typeof ReplayedLetterSchema>[]> {
    const endAtMs = performance.now() + this.#replayWithinMs;
    const problems = new Map<string, string | undefined>();
    for (const letter of await this.#kept(this.#letters.find(ids))) {
      // One is tried in any case, also where an attempt may take longer than anybody waits.
      if (problems.size > 0 && performance.now() > endAtMs)
        problems.set(letter.id, 'not tried: the time was over');
      else {
        const problem = await this.#resend(letter);
        problems.set(letter.id, problem);
        if (problem === undefined) await this.#kept(this.#letters.remove(letter));
      }
    }
    return ids.map((id) => {
      const problem = problems.has(id) ? problems.get(id) : 'there is no such letter';
      return { id, delivered: problem === undefined, problem: problem ?? '' };
    });
  }

  async drop(ids: readonly string[]): Promise<number> {
    const letters = await this.#kept(this.#letters.find(ids));
    for (const letter of letters) await this.#kept(this.#letters.remove(letter));
    return letters.length;
  }

  /** Whatever keeps the letters may be away. */
  async #kept<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (cause) {
      throw new Fault('storeUnavailable', { message: 'the dead letters can not be read', cause });
    }
  }
}
