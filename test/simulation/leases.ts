import type { NodeRole, NodeState } from '../../services/ports/directory.ts';

/** A node that is announced, as the others see it. */
export interface NodeLease {
  readonly nodeId: string;
  readonly role: NodeRole;
  readonly incarnation: number;
  readonly address: string;
  readonly state: NodeState;
}

/** The nodes of a role; undefined while nobody can say. */
export type SeenLeases = readonly NodeLease[] | undefined;
