import { toFault } from '../core/fault.ts';
import type { Operation } from '../peer/edge-frames.ts';
import { handedOn } from '../peer/handed-on.ts';
import type { PeerCalls } from '../peer/peer-calls.ts';
import type { MessageMeters } from './meters.ts';
import { notOwner } from './not-owner.ts';
import type { Asker } from './operations.ts';
import type { Ownership } from './ownership.ts';

export interface HandingOnParts {
  readonly ownership: Ownership | undefined;
  /** The other message nodes; undefined: what they own is refused. */
  readonly others: Pick<PeerCalls, 'isLinked' | 'command'> | undefined;
  readonly meters: MessageMeters;
  /** Of the store, as this node has it. */
  epoch(): string;
}

/** What edges ask of a node that does not own the conversation. */
export class HandingOn {
  readonly #parts: HandingOnParts;

  constructor(parts: HandingOnParts) {
    this.#parts = parts;
  }

  /**
   * To the owner that this node sees, once: an edge that asks the wrong node has an older view than that. Throws the Fault
   * `notOwner` where it can't be handed on.
   */
  handOn(asker: Asker, op: Operation): void {
    const { ownership, others, meters } = this.#parts;
    const convId = handedOn(op);
    const owner = convId === undefined ? undefined : ownership?.ownerOf(convId);
    if (owner === undefined || others?.isLinked(owner) !== true) throw notOwner();
    meters.handedOn += 1;
    others.command(owner, asker.userId, op, { epoch: this.#parts.epoch(), trace: asker.span?.context }).then(
      (result) => asker.done(result),
      (error) => asker.refuse(toFault(error)),
    );
  }
}
