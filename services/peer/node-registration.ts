import type { Service } from '../core/service.ts';
import type { NodeLeases, NodeRecord } from '../ports/directory.ts';

export interface NodeRegistrationParts {
  readonly leases: NodeLeases;
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
  #renewal: Promise<void> | undefined;
  #ended = false;

  constructor(parts: NodeRegistrationParts) {
    this.#parts = parts;
    this.name = `lease of ${parts.node.role} ${parts.node.id}`;
  }

  /** Resolves after the first attempt, whatever became of it: a directory that is away keeps no node from starting. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.renew(), this.#parts.leases.ttlMs / 3);
    await this.renew();
  }

  /** Renews now; joins a renewal that is under way. Never rejects. */
  renew(): Promise<void> {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  /** First out of the directory, so that nobody sends anything new here. */
  async drain(): Promise<void> {
    await this.stop();
  }

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

  async #renew(): Promise<void> {
    if (this.#ended) return;
    const { leases, node, load, superseded, failed } = this.#parts;
    try {
      const bounded = Math.min(1, Math.max(0, load()));
      if ((await leases.renew({ ...node, load: bounded })) === 'held' || this.#ended) return;
      this.#ended = true;
      clearInterval(this.#timer);
      superseded();
    } catch (error) {
      failed(error);
    }
  }
}
