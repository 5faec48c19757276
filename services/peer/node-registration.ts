import type { Service } from '../core/service.ts';
import type { NodeLeases, NodeRecord, NodeState } from '../ports/directory.ts';

export interface NodeRegistrationParts {
  readonly leases: NodeLeases;
  /** What it tells at first; see `update` for the state. */
  readonly node: Omit<NodeRecord, 'load'>;
  /** Between 0 and 1; asked before each renewal. */
  readonly load: () => number;
  /** A newer run of the same id is there: this one has to end. Called once; nothing is renewed after it. */
  readonly superseded: () => void;
  /** Each renewal that failed; the next one comes by itself. */
  readonly failed: (error: unknown) => void;
}

/** Keeps this node in the directory: renews its lease three times as often as it lapses, and leaves at once. */
export class NodeRegistration implements Service {
  readonly name: string;
  readonly #parts: NodeRegistrationParts;
  #timer: NodeJS.Timeout | undefined;
  #state: NodeState;
  #renewal: Promise<void> | undefined;
  #again = false;
  #ended = false;

  constructor(parts: NodeRegistrationParts) {
    this.#parts = parts;
    this.#state = parts.node.state;
    this.name = `lease of ${parts.node.role} ${parts.node.id}`;
  }

  /** Resolves after the first attempt, whatever became of it: a directory that is away keeps no node from starting. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.renew(), this.#parts.leases.ttlMs / 3);
    await this.renew();
  }

  /**
   * Tells another state: at once where the directory can be reached, else with the first renewal that succeeds. Resolves
   * after the first attempt; never rejects.
   */
  update(state: NodeState): Promise<void> {
    this.#state = state;
    return this.renew();
  }

  /** Renews now; a renewal that is under way is followed by another one. Never rejects. */
  renew(): Promise<void> {
    this.#again = true;
    this.#renewal ??= this.#renewAgain().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  /** Out of the directory. Resolves when that is done or was given up; the lease then lapses by itself. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    // One that arrives after the leave would register a node that is gone.
    await this.#renewal;
    const { leases, node, failed } = this.#parts;
    await leases.leave(node).catch((error: unknown) => {
      // The lease lapses by itself.
      failed(error);
    });
  }

  async #renewAgain(): Promise<void> {
    while (this.#again && !this.#ended) {
      this.#again = false;
      await this.#renew();
    }
  }

  async #renew(): Promise<void> {
    const { leases, node, load, superseded, failed } = this.#parts;
    try {
      const bounded = Math.min(1, Math.max(0, load()));
      const told = { ...node, state: this.#state, load: bounded };
      if ((await leases.renew(told)) === 'held' || this.#ended) return;
      this.#ended = true;
      clearInterval(this.#timer);
      superseded();
    } catch (error) {
      failed(error);
    }
  }
}
