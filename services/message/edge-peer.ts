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

/** An edge says within moments which sessions it has; one that doesn't is not waited for with more than this. */
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

  constructor({ no, nodeId, link, linkedAtMs }: EdgePeerParts) {
    this.no = no;
    this.nodeId = nodeId;
    this.linkedAtMs = linkedAtMs;
    this.#link = link;
  }

  /** What was committed before it could say who hears of it: it is told once it has. */
  misses(convId: ConvId, firstSeq: Seq): void {
    if (this.complete || this.missed.size >= mostMissed) return;
    this.missed.set(convId, Math.min(firstSeq, this.missed.get(convId) ?? firstSeq));
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
