/** A node as the directory knows it. */
export interface SeenNode {
  readonly nodeId: string;
  /** The node's run: another one has another link. */
  readonly incarnation: number;
  /** Host and port of its links. */
  readonly address: string;
}

/** What keeps a link to one node. */
interface Keeper {
  readonly open: boolean;
  stop(): void;
}

interface Kept {
  readonly node: SeenNode;
  readonly keeper: Keeper;
}

/**
 * Keeps a link to every node of a kind that is seen. One that is no longer seen keeps its link for as long as that is
 * open: it may be the directory that is gone, and not the node.
 */
export class Roster {
  readonly #dial: (node: SeenNode) => Keeper;
  readonly #kept = new Map<string, Kept>();
  #seen: ReadonlyMap<string, SeenNode> = new Map();

  constructor(dial: (node: SeenNode) => Keeper) {
    this.#dial = dial;
  }

  get size(): number {
    return this.#kept.size;
  }

  see(nodes: readonly SeenNode[]): void {
    this.#seen = new Map(nodes.map((node) => [node.nodeId, node]));
    for (const node of nodes) {
      const kept = this.#kept.get(node.nodeId);
      if (kept !== undefined && same(kept.node, node)) continue;
      kept?.keeper.stop();
      this.#kept.set(node.nodeId, { node, keeper: this.#dial(node) });
    }
    for (const nodeId of [...this.#kept.keys()]) this.lost(nodeId);
  }

  /** A node's link was lost: it is dialed again only if the node is still seen. */
  lost(nodeId: string): void {
    const kept = this.#kept.get(nodeId);
    if (kept === undefined || this.#seen.has(nodeId) || kept.keeper.open) return;
    kept.keeper.stop();
    this.#kept.delete(nodeId);
  }

  stop(): void {
    for (const { keeper } of this.#kept.values()) keeper.stop();
    this.#kept.clear();
  }
}

function same(one: SeenNode, other: SeenNode): boolean {
  return one.incarnation === other.incarnation && one.address === other.address;
}
