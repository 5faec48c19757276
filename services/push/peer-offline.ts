import type { UserId } from '../core/ids.ts';
import type { PeerCalls } from '../peer/peer-calls.ts';
import type { Offline } from '../ports/offline.ts';

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
  async offline(users: readonly UserId[]): Promise<readonly UserId[]> {
    const { peers, random } = this.#parts;
    const nodes = [...peers.nodeIds];
    let failure: unknown = new Error('no message node is linked');
    // From anywhere in the list, so that all are asked alike.
    for (let at = Math.floor(random() * nodes.length), left = nodes.length; left > 0; at += 1, left -= 1) {
      try {
        return await peers.offline(nodes[at % nodes.length] as string, users);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }
}
