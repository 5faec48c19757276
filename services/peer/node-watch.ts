import type { Clock } from '../core/clock.ts';
import type { Service } from '../core/service.ts';
import { DirectoryError, type NodeLeases, type NodeRecord, type NodeRole } from '../ports/directory.ts';
import {
  isInReach,
  type NodeChange,
  type NodeView,
  type NodeViewConfig,
  step,
  unknownNodes,
} from './node-view.ts';

export interface NodeWatchParts {
  readonly leases: NodeLeases;
  readonly role: NodeRole;
  readonly clock: Clock;
  /** Told of each change in its order. May be called until `stop` resolves. */
  readonly changed: (change: NodeChange) => void;
  /** Of what nobody expected: looking goes on. */
  readonly failed: (error: unknown) => void;
}

/** Keeps looking who of a role is alive: three times a lease, and at once when the directory hints at a change. */
export class NodeWatch implements Service {
  readonly name: string;
  readonly #parts: NodeWatchParts;
  readonly #config: NodeViewConfig;
  readonly #everyMs: number;
  #view: NodeView = unknownNodes;
  #timer: NodeJS.Timeout | undefined;
  #endHints = (): void => {};
  #looking: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(parts: NodeWatchParts) {
    this.#parts = parts;
    this.name = `watch of ${parts.role} nodes`;
    const { ttlMs } = parts.leases;
    this.#everyMs = ttlMs / 3;
    // A lease that was renewed just before the directory fell silent lapses this much later.
    this.#config = { staleAfterMs: (ttlMs * 2) / 3, settleMs: 2 * ttlMs };
  }

  /** The nodes as they are known now; see NodeView for what `available` means. */
  get nodes(): readonly NodeRecord[] {
    return [...this.#view.nodes.values()];
  }

  /** Whether the directory says who is alive; where it does not, only links can. */
  get available(): boolean {
    return this.#view.t === 'available';
  }

  /** Whether the last look was answered: `nodes` then has everybody who was seen by it. */
  get inReach(): boolean {
    return isInReach(this.#view);
  }

  /** Resolves after the first look, whatever it found. */
  async start(): Promise<void> {
    const { leases, role } = this.#parts;
    this.#timer = setInterval(() => void this.#look(), this.#everyMs);
    this.#endHints = leases.onChange(role, () => void this.#look());
    await this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#endHints();
    await this.#looking;
  }

  /** Never rejects. A look that is asked for while one is under way follows it: what that one saw may be older. */
  #look(): Promise<void> {
    this.#again = true;
    this.#looking ??= this.#lookAgain()
      .catch((error) => this.#parts.failed(error))
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #lookAgain(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      await this.#lookOnce();
    }
  }

  async #lookOnce(): Promise<void> {
    const { leases, role, clock } = this.#parts;
    try {
      const listing = await leases.list(role);
      this.#take(step(this.#view, { t: 'listed', listing, nowMs: clock.monotonicMs() }, this.#config));
    } catch (error) {
      if (!(error instanceof DirectoryError)) throw error;
      this.#take(step(this.#view, { t: 'failed' }, this.#config));
    }
  }

  #take([view, changes]: ReturnType<typeof step>): void {
    this.#view = view;
    if (this.#stopped) return;
    for (const change of changes) {
      try {
        this.#parts.changed(change);
      } catch (error) {
        this.#parts.failed(error);
      }
    }
  }
}
