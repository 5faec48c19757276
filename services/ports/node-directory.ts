/** How nodes of a cluster find each other. What it holds may be lost at any time: nodes announce themselves again. */

export type NodeRole = 'connection' | 'message' | 'group' | 'push';

/**
 * `joining`: it takes links, and owns nothing yet. `ready`: it has its share of the work. `draining`: it finishes what it
 * has and takes nothing new.
 */
export type NodeState = 'joining' | 'ready' | 'draining';

/** What a node says of itself. */
export interface NodeLease {
  readonly role: NodeRole;
  /** Stays the same when the node restarts; unique in its role. 1–64 characters. */
  readonly nodeId: string;
  /** The node's run: grows with each. The higher one holds the name. */
  readonly incarnation: number;
  /** Host and port of its links. */
  readonly address: string;
  readonly state: NodeState;
}

/** A node's announcement: renewed by itself until it is withdrawn. */
export interface Announcement {
  /** Tells a change at once, as far as the directory can be reached, and else as soon as it can. */
  update(state: NodeState): void;
  /** The node is gone for the others at once, where the directory can be reached; it lapses by itself where not. */
  withdraw(): Promise<void>;
}

/**
 * The live nodes of a role, by their ids; undefined: the directory can't be read, or has come back without what it held,
 * and says nothing of who lives.
 */
export type SeenLeases = readonly NodeLease[] | undefined;

export interface NodeDirectory {
  /**
   * Announces a node, and again whenever the directory has forgotten it. `superseded` is called, once, where a later run
   * of the same node has taken its name: this one must stop.
   */
  announce(lease: NodeLease, superseded: () => void): Announcement;
  /**
   * Calls back with the nodes of a role, soon, and then at each change. A node that is no longer renewed is missing
   * within two lease times.
   */
  watch(role: NodeRole, changed: (seen: SeenLeases) => void): Disposable;
}
