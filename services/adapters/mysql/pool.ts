import { StoreError } from '../../ports/message-store.ts';
import type { Session } from './session.ts';
import type { Trust } from './trust.ts';

export interface SessionPoolOptions {
  /** Sessions at once, at most. */
  readonly size: number;
  /** Tasks that may wait for a session. */
  readonly waitingAtMost: number;
  /** How long each may wait. */
  readonly waitMs: number;
  readonly open: () => Promise<Session>;
  /** Of all sessions with the same database. */
  readonly trust: Trust;
}

interface Waiter {
  readonly go: () => void;
  readonly refuse: (error: StoreError) => void;
}

/**
 * Sessions, each lent to one task at a time. What finds all of them busy waits in a bounded queue, and is refused as
 * `unavailable` where that is full or takes too long.
 */
export class SessionPool {
  readonly #options: SessionPoolOptions;
  readonly #idle: Session[] = [];
  readonly #waiting: Waiter[] = [];
  #running = 0;
  #closed = false;
  #drained = Promise.withResolvers<void>();
  /** Tasks refused because the queue was full, or they waited too long. */
  overloads = 0;

  constructor(options: SessionPoolOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** `urgent` tasks go before others that wait. The task gets a session that no other one has. */
  async run<T>(task: (session: Session) => Promise<T>, urgent = false): Promise<T> {
    await this.#permit(urgent);
    try {
      const session = this.#takeIdle() ?? (await this.#options.open());
      try {
        return await task(session);
      } finally {
        if (!session.usable) this.#options.trust.ended(session);
        if (this.#lendable(session) && !this.#closed) this.#idle.push(session);
        else session.end();
      }
    } finally {
      this.#release();
    }
  }

  /** Refuses what waits and what comes, and resolves when what runs is done. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiter of this.#waiting.splice(0)) waiter.refuse(closedError());
    for (const session of this.#idle.splice(0)) session.end();
    if (this.#running > 0) await this.#drained.promise;
  }

  #takeIdle(): Session | undefined {
    for (let session = this.#idle.pop(); session !== undefined; session = this.#idle.pop()) {
      if (this.#lendable(session)) return session;
      session.end();
    }
    return undefined;
  }

  #lendable(session: Session): boolean {
    return session.usable && this.#options.trust.covers(session);
  }

  #permit(urgent: boolean): Promise<void> {
    if (this.#closed) return Promise.reject(closedError());
    if (this.#running < this.#options.size) {
      this.#running += 1;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#options.waitingAtMost) return Promise.reject(this.#overloaded());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(this.#overloaded());
      }, this.#options.waitMs);
      const waiter: Waiter = {
        go: () => {
          clearTimeout(timer);
          resolve();
        },
        refuse: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      if (urgent) this.#waiting.unshift(waiter);
      else this.#waiting.push(waiter);
    });
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) next.go();
    else {
      this.#running -= 1;
      if (this.#running === 0 && this.#closed) this.#drained.resolve();
    }
  }

  #overloaded(): StoreError {
    this.overloads += 1;
    return new StoreError('unavailable', 'the store has too much to do');
  }
}

function closedError(): StoreError {
  return new StoreError('unavailable', 'the store is closed');
}
