import { LateError, leavesServer } from './failure.ts';
import type { Session } from './session.ts';

/**
 * Which sessions may still be lent: what one of them met tells of the others. A server that refuses to be written to became a
 * replica, or lost its cluster; another one has its role by now, and those that only read would go on and miss what is
 * committed there. So all leave it at once. And where an answer never came, the network may have forgotten more connections
 * than that one: those that were not heard of since are not waited for, each as long again.
 */
export class Trust {
  #openedAfterMs = Number.NEGATIVE_INFINITY;
  #heardAfterMs = Number.NEGATIVE_INFINITY;

  /** To be told of each session that is of no use any more. */
  ended({ lost }: Session): void {
    if (leavesServer(lost)) this.#openedAfterMs = performance.now();
    else if (lost instanceof LateError) this.#heardAfterMs = Math.max(this.#heardAfterMs, lost.askedAtMs);
  }

  covers({ openedAtMs, heardAtMs }: Session): boolean {
    return openedAtMs > this.#openedAfterMs && heardAtMs > this.#heardAfterMs;
  }
}
