import type { Clock } from '../../core/clock.ts';
import type { NodeLeases, NodeListing, NodeRecord, NodeRole } from '../../ports/directory.ts';

const nodesAtMost = 1_000;

interface Lease {
  readonly node: NodeRecord;
  readonly endsAtMs: number;
}

/** Node leases in this process. */
export class MemoryNodeLeases implements NodeLeases {
  readonly ttlMs: number;
  readonly #clock: Clock;
  readonly #leases = new Map<string, Lease>();
  readonly #listeners = new Set<{ readonly role: NodeRole; readonly listener: () => void }>();

  constructor({ clock, leaseMs }: { readonly clock: Clock; readonly leaseMs: number }) {
    this.#clock = clock;
    this.ttlMs = leaseMs;
  }

  async renew(node: NodeRecord): Promise<'held' | 'superseded'> {
    this.#dropLapsed();
    const key = keyOf(node);
    const held = this.#leases.get(key)?.node;
    if (held !== undefined && held.incarnation > node.incarnation) return 'superseded';
    this.#leases.set(key, { node, endsAtMs: this.#clock.monotonicMs() + this.ttlMs });
    if (!isSame(held, node)) this.#tell(node.role);
    return 'held';
  }

  async leave(node: Pick<NodeRecord, 'role' | 'id' | 'incarnation'>): Promise<void> {
    const key = keyOf(node);
    if (this.#leases.get(key)?.node.incarnation !== node.incarnation) return;
    this.#leases.delete(key);
    this.#tell(node.role);
  }

  async list(role: NodeRole): Promise<NodeListing> {
    this.#dropLapsed();
    const nodes = [...this.#leases.values()].map(({ node }) => node).filter((node) => node.role === role);
    // It is lost together with everybody who could have seen another one.
    return { nodes: nodes.slice(0, nodesAtMost), generation: 'process' };
  }

  onChange(role: NodeRole, listener: () => void): () => void {
    const entry = { role, listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  #dropLapsed(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [key, { endsAtMs }] of this.#leases) if (endsAtMs <= nowMs) this.#leases.delete(key);
  }

  #tell(role: NodeRole): void {
    for (const entry of this.#listeners) if (entry.role === role) entry.listener();
  }
}

/** What others wait to hear of; the load they see at their next look. */
function isSame(held: NodeRecord | undefined, node: NodeRecord): boolean {
  const { incarnation, state, address } = node;
  return held?.incarnation === incarnation && held.state === state && held.address === address;
}

/** Ids have no line breaks. */
function keyOf({ role, id }: Pick<NodeRecord, 'role' | 'id'>): string {
  return `${role}\n${id}`;
}
