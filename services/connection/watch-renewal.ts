import type { UserId } from '../core/ids.ts';

/** Users that are named in one go, and how often the next ones are: the answers of all at once would overfill a link. */
const atOnce = 10_000;
const everyMs = 50;

interface Parts {
  /** Whom this node's sessions watch. Those that come while it is under way may be named twice. */
  readonly watched: () => Iterable<UserId>;
  readonly watch: (users: readonly UserId[]) => void;
}

/** Has the message nodes watch again whom they may not watch any more, some at a time. */
export class WatchRenewal {
  readonly #parts: Parts;
  #left: Iterator<UserId> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** From the beginning: others are asked by now. */
  again(): void {
    this.#left = this.#parts.watched()[Symbol.iterator]();
    if (this.#timer === undefined) this.#go();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#left = undefined;
  }

  #go(): void {
    this.#timer = undefined;
    const users: UserId[] = [];
    while (users.length < atOnce) {
      const next = this.#left?.next();
      if (next === undefined || next.done === true) {
        this.#left = undefined;
        break;
      }
      users.push(next.value);
    }
    if (this.#left !== undefined) this.#timer = setTimeout(() => this.#go(), everyMs);
    if (users.length > 0) this.#parts.watch(users);
  }
}
