import type { ConvId, Seq } from '../core/ids.ts';
import { StoreError } from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';
import type { EdgePeer } from './edge-peer.ts';
import type { FanOut } from './fan-out.ts';
import type { HotConversations } from './hot-conversations.ts';
import type { PresenceBook } from './presence-book.ts';

export interface ReplayParts {
  readonly hot: Pick<HotConversations, 'with'>;
  readonly fanOut: Pick<FanOut, 'audienceFor'>;
  readonly presence: Pick<PresenceBook, 'edges'>;
  /** Sends an edge that knows who hears of the conversation its entries from … to. */
  pull(edge: EdgePeer, conversation: Conversation, fromSeq: Seq, toSeq: Seq): Promise<void>;
  bug(error: unknown): void;
}

/** Conversations that are looked at at once. */
const atOnce = 500;
/** How long to wait for a store that can't be read, doubled from try to try up to the second. */
const firstWaitMs = 100;
const mostWaitMs = 1_000;

/**
 * Forwards what an edge missed while it was not linked and has not been told since: what this node has committed is its
 * to tell, whoever owns the conversation by now. The edge can't ask for what it never heard of, and perhaps nothing comes
 * after it: where the store can't be read, it is tried again for as long as the link is there.
 */
export class Replay {
  readonly #parts: ReplayParts;

  constructor(parts: ReplayParts) {
    this.#parts = parts;
  }

  /** Resolves when the edge has been told of all that it missed, or is gone. */
  async tell(edge: EdgePeer): Promise<void> {
    for (let failures = 0; edge.missed.size > 0 && this.#isLinked(edge); ) {
      const part = firstOf(edge.missed, atOnce);
      const told = await Promise.all(part.map(([convId, fromSeq]) => this.#tellOf(edge, convId, fromSeq)));
      if (told.every((one) => one)) continue;
      await pause(Math.min(firstWaitMs * 2 ** failures, mostWaitMs));
      failures += 1;
    }
  }

  /** False where the store can't be read, and the edge has not been told by somebody else meanwhile. */
  async #tellOf(edge: EdgePeer, convId: ConvId, fromSeq: Seq): Promise<boolean> {
    const { hot, fanOut, pull, bug } = this.#parts;
    try {
      await hot.with(convId, (conversation) => {
        if (!this.#isLinked(edge) || !edge.missed.has(convId) || !conversation.exists) return;
        // Its announcement says where to begin.
        const told = fanOut.audienceFor(conversation, edge) !== undefined;
        edge.missed.delete(convId);
        if (told) return pull(edge, conversation, fromSeq, conversation.head.seq);
      });
    } catch (error) {
      // Once it was announced, the edge asks for what does not come.
      if (error instanceof StoreError) return !edge.missed.has(convId);
      bug(error);
    }
    edge.missed.delete(convId);
    return true;
  }

  #isLinked(edge: EdgePeer): boolean {
    return this.#parts.presence.edges.has(edge);
  }
}

function firstOf<K, V>(map: ReadonlyMap<K, V>, count: number): [K, V][] {
  const found: [K, V][] = [];
  for (const entry of map) {
    if (found.length === count) break;
    found.push(entry);
  }
  return found;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
