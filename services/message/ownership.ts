import type { ConvId } from '../core/ids.ts';
import { rendezvous } from '../core/rendezvous.ts';

interface MessageNodeName {
  readonly nodeId: string;
}

/**
 * Which conversations this node owns: its share among the message nodes that own any, by rendezvous. A node that joins
 * or leaves is not among them, and owns nothing. Two nodes may see different others for a while and both believe to own
 * a conversation: the store fences them.
 */
export class Ownership {
  readonly #self: MessageNodeName;
  #owners: readonly MessageNodeName[] = [];

  constructor(nodeId: string) {
    this.#self = { nodeId };
  }

  /** The message nodes that own conversations, this one among them or not. Returns whether that has changed. */
  see(owners: readonly MessageNodeName[]): boolean {
    const names = owners.map(({ nodeId }) => nodeId).sort();
    if (names.join('\0') === this.#owners.map(({ nodeId }) => nodeId).join('\0')) return false;
    this.#owners = names.map((nodeId) => (nodeId === this.#self.nodeId ? this.#self : { nodeId }));
    return true;
  }

  owns(convId: ConvId): boolean {
    return rendezvous(convId, this.#owners) === this.#self;
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
