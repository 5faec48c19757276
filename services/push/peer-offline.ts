import type { UserId } from '../core/ids.ts';
import type { PeerCalls } from '../peer/peer-calls.ts';
import type { Offline } from '../ports/offline.ts';
import { anyOf } from './any-peer.ts';

interface PeerOfflineParts {
  readonly peers: Pick<PeerCalls, 'nodeIds' | 'offline'>;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** Who is not there, as message nodes say: each knows of every session, since every edge tells all of them. */
export class PeerOffline implements Offline {
  readonly #parts: PeerOfflineParts;

  constructor(parts: PeerOfflineParts) {
    this.#parts = parts;
  }

  /** Asks one node, and another one where it does not answer. Rejects with what went wrong last. */
  offline(users: readonly UserId[]): Promise<readonly UserId[]> {
    const { peers, random } = this.#parts;
    return anyOf(peers.nodeIds, random, (nodeId) => peers.offline(nodeId, users));
  }
}
