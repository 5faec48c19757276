import type { ConvId } from '../core/ids.ts';
import type { PeerCalls } from '../peer/peer-calls.ts';
import { maxForwardSpans } from '../peer/peer-frames.ts';
import type { OutboxRow, OutboxSpan } from '../ports/outbox.ts';
import type { PeerDesk } from './peer-desk.ts';

interface ForwarderParts {
  readonly nodeId: string;
  /** The node that owns a conversation now, as far as is known. */
  ownerOf(convId: ConvId): string | undefined;
  readonly self: Pick<PeerDesk, 'forward'>;
  readonly others: Pick<PeerCalls, 'forward'>;
}

/** A span, and the row that it is of. */
interface Wanted {
  readonly batchId: bigint;
  readonly span: OutboxSpan;
}

/** Has what rows refer to forwarded by the current owner of each conversation, wherever that is. */
export class Forwarder {
  readonly #parts: ForwarderParts;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
  }

  /** Gives the rows of which all owners have confirmed that every live edge was sent all of it. Never rejects. */
  async forward(rows: readonly OutboxRow[]): Promise<ReadonlySet<bigint>> {
    const confirmed = new Set(rows.map(({ batchId }) => batchId));
    const byOwner = new Map<string | undefined, Wanted[]>();
    for (const { batchId, spans } of rows)
      for (const span of spans) {
        const owner = this.#parts.ownerOf(span.convId);
        const wanted = byOwner.get(owner);
        if (wanted === undefined) byOwner.set(owner, [{ batchId, span }]);
        else wanted.push({ batchId, span });
      }
    const failed = await Promise.all([...byOwner].map(([owner, wanted]) => this.#forward(owner, wanted)));
    for (const batchId of failed.flat()) confirmed.delete(batchId);
    return confirmed;
  }

  /** The rows of which something was not forwarded. */
  async #forward(owner: string | undefined, wanted: readonly Wanted[]): Promise<bigint[]> {
    const failed: bigint[] = [];
    for (let at = 0; at < wanted.length; at += maxForwardSpans) {
      const part = wanted.slice(at, at + maxForwardSpans);
      const done = new Set(
        await this.#ask(
          owner,
          part.map(({ span }) => span),
        ),
      );
      for (const [place, { batchId }] of part.entries()) if (!done.has(place)) failed.push(batchId);
    }
    return failed;
  }

  async #ask(owner: string | undefined, spans: readonly OutboxSpan[]): Promise<readonly number[]> {
    const { nodeId, self, others } = this.#parts;
    if (owner === undefined) return [];
    if (owner === nodeId) return self.forward(spans);
    // A node that is not reached or does not answer may own nothing soon: whoever then does is asked.
    return others.forward(owner, spans).catch(() => []);
  }
}
