import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { OwnerFrame, SessionNo } from '../peer/edge-frames.ts';
import type { Link } from '../peer/link.ts';
import type { EdgeSession } from './edge-session.ts';

interface EdgePeerParts {
  readonly no: number;
  readonly nodeId: string;
  readonly link: Link<OwnerFrame>;
  /** By the monotonic clock. */
  readonly linkedAtMs: number;
}

/**
 * An edge says within moments which sessions it has. Conversations with entries in that time, at most: of one for which there
 * are more the sessions sync, rather than miss some unseen.
 */
const mostMissed = 100_000;

/** One connection node, as a message node sees it: its link, and the sessions it has. */
export class EdgePeer {
  readonly no: number;
  /** The name of the connection node. */
  readonly nodeId: string;
  readonly #link: Link<OwnerFrame>;
  readonly sessions = new Map<SessionNo, EdgeSession>();
  /** Users whose presence the edge wants to hear of. */
  readonly watched = new Set<UserId>();
  /** When it was linked, by the monotonic clock. */
  readonly linkedAtMs: number;
  /** It has named all sessions that it had when the link came up. */
  complete = false;
  /** Its link is gone: whatever came by it and is not taken yet is void. */
  isDown = false;
  /** What its sessions may have missed until it was complete, and it was not told of since: by conversation, the first entry. */
  readonly missed = new Map<ConvId, Seq>();
  /** Sessions that it had by then, by the monotonic clock, may have missed what is not known any more. */
  staleBeforeMs = Number.NEGATIVE_INFINITY;
  #mostMissed = mostMissed;

  constructor({ no, nodeId, link, linkedAtMs }: EdgePeerParts) {
    this.no = no;
    this.nodeId = nodeId;
    this.linkedAtMs = linkedAtMs;
    this.#link = link;
  }

  /** It has named all of its sessions, and was told of all that they may have missed until then, or asks for it by itself. */
  get caughtUp(): boolean {
    return this.complete && this.missed.size === 0;
  }

  /** What was committed lately, while it may not have been linked. Only those who remember it need to bound it. */
  missedBefore(firsts: ReadonlyMap<ConvId, Seq>): void {
    this.#mostMissed = mostMissed + firsts.size;
    for (const [convId, firstSeq] of firsts) this.misses(convId, firstSeq);
  }

  /** What is forwarded before it has said who all hear of it: it is told once it has. Nothing where it has. */
  misses(convId: ConvId, firstSeq: Seq): void {
    if (this.complete) return;
    const known = this.missed.get(convId);
    if (known === undefined && this.missed.size >= this.#mostMissed)
      this.staleBeforeMs = Number.POSITIVE_INFINITY;
    else this.missed.set(convId, Math.min(firstSeq, known ?? firstSeq));
  }

  /** Has those sessions sync that may lack what nobody remembers. */
  endStale(): void {
    for (const { no, sinceMs } of this.sessions.values())
      if (sinceMs < this.staleBeforeMs) this.send({ t: 'stale', session: no });
  }

  /** A link that can't take a frame is closed: its edge starts over with a snapshot, so that nothing is lost unseen. */
  send(frame: OwnerFrame, bytes = 128): void {
    if (this.#link.send(frame, bytes) === 'full') this.#link.close('sendQueueFull');
  }

  /** Its edge starts over with a snapshot. */
  close(reason: string): void {
    this.#link.close(reason);
  }
}
