import type { ConvId } from '../core/ids.ts';
import { rendezvous } from '../core/rendezvous.ts';

interface MessageNodeName {
  readonly nodeId: string;
}

/**
 * Which conversations this node owns: its share among the message nodes that own any, by rendezvous. A node that joins
 * or leaves is not among them, and owns nothing. Two nodes may see different others for a while and both believe to own
 * a conversation: the store fences them. While nobody can say who the others are, edges choose among the nodes that they
 * are linked to, and whatever a node is asked for is its own.
 */
export class Ownership {
  readonly #self: MessageNodeName;
  #owners: readonly MessageNodeName[] = [];
  #isKnown = true;

  constructor(nodeId: string) {
    this.#self = { nodeId };
  }

  /**
   * The message nodes that own conversations, this one among them or not; undefined: nobody can say. Returns whether this
   * node may own less than before.
   */
  see(owners: readonly MessageNodeName[] | undefined): boolean {
    const wasKnown = this.#isKnown;
    this.#isKnown = owners !== undefined;
    if (owners === undefined) return false;
    const names = owners.map(({ nodeId }) => nodeId).sort();
    if (wasKnown && names.join('\0') === this.#owners.map(({ nodeId }) => nodeId).join('\0')) return false;
    this.#owners = names.map((nodeId) => (nodeId === this.#self.nodeId ? this.#self : { nodeId }));
    return true;
  }

  /** The nodes that own conversations; none while nobody can say. */
  get names(): readonly string[] {
    return this.#isKnown ? this.#owners.map(({ nodeId }) => nodeId) : [];
  }

  owns(convId: ConvId): boolean {
    return !this.#isKnown || rendezvous(convId, this.#owners) === this.#self;
  }

  /** The node that owns a conversation; undefined while no node is known. */
  ownerOf(convId: ConvId): string | undefined {
    return rendezvous(convId, this.#owners)?.nodeId;
  }

  /** Whether it is this node that adopts a row of the outbox which a dead node left. */
  adopts(batchId: bigint): boolean {
    return rendezvous(batchId.toString(), this.#owners) === this.#self;
  }
}
