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

/** An edge says within moments which sessions it has; for one that doesn't no more than this is noted, and they have to sync. */
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
  /** What its sessions may have missed while it was not linked: by conversation, the first entry. */
  readonly missed = new Map<ConvId, Seq>();
  /** Sessions that it had by then, by the monotonic clock, may have missed what is not known any more. */
  staleBeforeMs = Number.NEGATIVE_INFINITY;

  constructor({ no, nodeId, link, linkedAtMs }: EdgePeerParts) {
    this.no = no;
    this.nodeId = nodeId;
    this.linkedAtMs = linkedAtMs;
    this.#link = link;
  }

  /** What was committed before it could say who hears of it: it is told once it has. */
  misses(convId: ConvId, firstSeq: Seq): void {
    if (this.complete) return;
    const known = this.missed.get(convId);
    if (known === undefined && this.missed.size >= mostMissed) this.staleBeforeMs = Number.POSITIVE_INFINITY;
    else this.missed.set(convId, Math.min(firstSeq, known ?? firstSeq));
  }

  /** Has those sessions sync that may lack what nobody remembers. */
  endStale(): void {
    for (const { no, sinceMs } of this.sessions.values())
      if (sinceMs < this.staleBeforeMs) this.send({ t: 'stale', session: no });
  }

  /** Everything that was committed so far has been sent to it, or it asks for it by itself. */
  get upToDate(): boolean {
    return this.complete && this.missed.size === 0;
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
