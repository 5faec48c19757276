import type { Clock } from '../core/clock.ts';
import { type JoinConfig, type JoinEvent, joining, type JoinState, step } from './join-state.ts';

export interface JoiningParts {
  readonly clock: Clock;
  readonly config: JoinConfig;
}

/** Waits until a message node that has started may own conversations (`join-state.ts`). */
export class Joining {
  readonly #clock: Clock;
  readonly #config: JoinConfig;
  #state: JoinState = joining;
  #timers: readonly NodeJS.Timeout[] = [];
  #owner: (() => void) | undefined;

  constructor({ clock, config }: JoiningParts) {
    this.#clock = clock;
    this.#config = config;
  }

  /** To be called when others can see this node. `owner` is called once, later, unless `stop` comes first. */
  start(owner: () => void): void {
    this.#owner = owner;
    this.#happened({ t: 'announced' });
    const { leastMs, mostMs } = this.#config;
    const look = (): void => this.#happened({ t: 'time' });
    // A timer may be early by a moment.
    this.#timers = [leastMs, mostMs].map((ms) => setTimeout(look, ms + 1));
  }

  /** The live edges, as the directory has them. */
  see(nodeIds: readonly string[]): void {
    this.#happened({ t: 'edges', nodeIds });
  }

  /** The edges that are linked and have told of all their sessions. */
  told(nodeIds: readonly string[]): void {
    this.#happened({ t: 'told', nodeIds });
  }

  /** The node goes before it has come. */
  stop(): void {
    this.#owner = undefined;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #happened(event: JoinEvent): void {
    this.#state = step(this.#state, event, this.#clock.monotonicMs(), this.#config);
    if (this.#state.t !== 'owner') return;
    const owner = this.#owner;
    this.stop();
    owner?.();
  }
}
