import { directConvId } from '../../../services/core/conv-id.ts';
import type { UserId } from '../../../services/core/ids.ts';
import { userName } from '../client.ts';
import type { Topology } from '../topology.ts';

export const groupName = (conversation: number): string => `g${String(conversation).padStart(5, '0')}`;

/** Names of users and conversations as bytes, and what all sessions of a load know about the conversations. */
export class Directory {
  readonly users: readonly Buffer[];
  readonly conversations: readonly Buffer[];
  /** Whether a direct conversation has had its first message, and can be named by its id. */
  readonly opened: Uint8Array;
  /** Last seq received, by conversation and side; and whether it waits to be acknowledged. */
  readonly received: Float64Array;
  readonly unacked: Uint8Array;

  /** `prefix`: what the names of the users begin with. */
  constructor(topology: Topology, prefix?: string) {
    const direct = topology.size === 2;
    this.users = Array.from({ length: topology.users }, (_, user) => Buffer.from(userName(user, prefix)));
    this.conversations = Array.from({ length: topology.conversations }, (_, c) => {
      if (!direct) return Buffer.from(groupName(c));
      const [one, other] = [0, 1].map((side) => userName(topology.member(c, side), prefix) as UserId);
      return Buffer.from(directConvId(one as UserId, other as UserId));
    });
    this.opened = new Uint8Array(topology.conversations).fill(direct ? 0 : 1);
    this.received = new Float64Array(topology.conversations * topology.size);
    this.unacked = new Uint8Array(topology.conversations * topology.size);
  }
}
