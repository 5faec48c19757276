import { leavesServer } from './failure.ts';
import type { Session } from './session.ts';

/**
 * Which sessions may still be lent: what one of them met tells of the others. A server that refuses to be written to became a
 * replica, or lost its cluster; another one has its role by now, and those that only read would go on and miss what is
 * committed there. So all leave it at once.
 */
export class Trust {
  #openedAfterMs = Number.NEGATIVE_INFINITY;

  /** To be told of each session that is of no use any more. */
  ended({ lost }: Session): void {
    if (leavesServer(lost)) this.#openedAfterMs = performance.now();
  }

  covers({ openedAtMs }: Session): boolean {
    return openedAtMs > this.#openedAfterMs;
  }
}
