import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { PeerCalls } from '../peer/peer-calls.ts';
import type { SessionAck, SessionAcks } from '../ports/session-acks.ts';
import { anyOf } from './any-peer.ts';

interface PeerAcksParts {
  readonly peers: Pick<PeerCalls, 'nodeIds' | 'sessionAcks'>;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** What sessions have acknowledged, as message nodes say: each is linked to every edge, and asks those concerned. */
export class PeerAcks implements SessionAcks {
  readonly #parts: PeerAcksParts;

  constructor(parts: PeerAcksParts) {
    this.#parts = parts;
  }

  /** Asks one node, and another one where it does not answer. Rejects with what went wrong last. */
  sessions(convId: ConvId, seq: Seq, users: readonly UserId[]): Promise<readonly SessionAck[]> {
    const { peers, random } = this.#parts;
    return anyOf(peers.nodeIds, random, (nodeId) => peers.sessionAcks(nodeId, convId, seq, users));
  }
}
