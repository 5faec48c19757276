import { Fault } from '../core/fault.ts';
import { Turns } from '../core/turns.ts';

/** Turns by host, so that one that hangs holds up nobody else. Hosts that nobody waits for are forgotten. */
export class HostTurns {
  readonly #limits: { readonly atOnce: number; readonly mostWaiting: number; readonly mostInAll: number };
  readonly #hosts = new Map<string, { readonly turns: Turns; here: number }>();
  #inAll = 0;

  constructor(limits: { readonly atOnce: number; readonly mostWaiting: number; readonly mostInAll: number }) {
    this.#limits = limits;
  }

  /** Tasks that wait, for all hosts. */
  get waiting(): number {
    let waiting = 0;
    for (const { turns } of this.#hosts.values()) waiting += turns.waiting;
    return waiting;
  }

  /** Rejects with the Fault `overloaded` when too many wait, for this host or in all. */
  async run<T>(host: string, task: () => Promise<T>): Promise<T> {
    if (this.#inAll >= this.#limits.mostInAll)
      throw new Fault('overloaded', { message: 'too many wait', retryAfterMs: 1_000 });
    const at = this.#hosts.get(host) ?? { turns: new Turns(this.#limits), here: 0 };
    this.#hosts.set(host, at);
    at.here += 1;
    this.#inAll += 1;
    try {
      return await at.turns.run(task);
    } finally {
      at.here -= 1;
      this.#inAll -= 1;
      if (at.here === 0) this.#hosts.delete(host);
    }
  }
}
