import type { ConvId, Seq, UserId } from '../core/ids.ts';

/**
 * The directory: where nodes learn of each other, and what may be lost. No message depends on it: whatever it says is
 * a hint, since the store fences. All times that others read are set by the directory's own clock or given as
 * durations, so that clocks of nodes may differ.
 */

/** The parts that a process may play, as the directory knows them. */
export type NodeRole = 'bridge' | 'connection' | 'message' | 'group' | 'push';

/**
 * `joining`: it takes links, and owns nothing yet. `ready`: it has its share of the work. `draining`: it finishes what it
 * has and takes nothing new.
 */
export type NodeState = 'joining' | 'ready' | 'draining';

/** A node as it tells the others of itself. */
export interface NodeRecord {
  readonly role: NodeRole;
  /** Stable over the runs of one node: 1–64 characters. */
  readonly id: string;
  /** Where other nodes reach it, `host:port`; at most 255 characters. */
  readonly address: string;
  readonly state: NodeState;
  /** Between 0 (idle) and 1 (full). */
  readonly load: number;
  /** Of this run: higher than that of any earlier run of the same id; a safe integer from 1. */
  readonly incarnation: number;
  /** Version of the node-to-node protocol, from 1. */
  readonly protocol: number;
}

/** What stands in the directory under one role. */
export interface NodeListing {
  readonly nodes: readonly NodeRecord[];
  /**
   * Changes when the directory lost what it knew, or may have: it was emptied, restarted, or out of reach. Who is not
   * in the first listings of a generation need not be dead: it may not have registered again yet.
   */
  readonly generation: string;
}

/** Leases that tell which nodes live. Short: whoever does not renew lapses by itself. */
export interface NodeLeases {
  /** How long a lease lasts after each renewal, in milliseconds. Renew three times as often. */
  readonly ttlMs: number;
  /**
   * Registers a node, or prolongs its lease and replaces what it told. `superseded`: a newer incarnation of the same id
   * holds the lease, nothing was written, and this run should end. A newer incarnation takes an older one's place at once.
   */
  renew(node: NodeRecord): Promise<'held' | 'superseded'>;
  /** Ends a lease at once; does nothing where another incarnation holds it. */
  leave(node: Pick<NodeRecord, 'role' | 'id' | 'incarnation'>): Promise<void>;
  /**
   * The nodes of a role whose leases stand now, in no particular order; at most 1,000. Rejects where none can be renewed:
   * that a lease lapsed would say nothing.
   */
  list(role: NodeRole): Promise<NodeListing>;
  /**
   * Calls back soon after a node of the role came, left, or told another state or address, so that nobody has to wait for his next look. A hint: it may
   * be missing, late or for nothing. The function returned ends it.
   */
  onChange(role: NodeRole, listener: () => void): () => void;
}

/** A client's session, on the node that has it. */
export interface SessionRecord {
  readonly userId: UserId;
  /** Its number on its node, never reused there: a safe integer. */
  readonly session: number;
  /** The connection node, of this run alone: 1–64 characters. */
  readonly nodeId: string;
  readonly deviceId: string;
  /** When it was opened, by its node's clock, in milliseconds since 1970. */
  readonly sinceMs: number;
}

export type SessionKey = Pick<SessionRecord, 'userId' | 'session' | 'nodeId'>;

/** Who is connected where, for services, push and administration; the hot path has its own presence. */
export interface SessionDirectory {
  /** How long a session stays after it was put, in milliseconds. Put again three times as often. */
  readonly ttlMs: number;
  /** Registers sessions, or prolongs them. At most 1,000; some may have been put when it rejects: put all again. */
  put(sessions: readonly SessionRecord[]): Promise<void>;
  /** Takes sessions out; those that are not there don't matter. At most 1,000. */
  remove(sessions: readonly SessionKey[]): Promise<void>;
  /** The user's sessions, on all nodes, in no particular order; at most 1,000. */
  of(userId: UserId): Promise<readonly SessionRecord[]>;
  /** How many sessions each user has, in the order asked. At most 1,000 users. */
  count(users: readonly UserId[]): Promise<readonly number[]>;
}

/** Tokens that are not good any more. */
export interface Revocation {
  /** Whose tokens; a service is known by its name. */
  readonly userId: UserId;
  /** The only device that is meant; empty: all of them, and calls without a device. */
  readonly deviceId: string;
  /** Tokens issued up to then are revoked, later ones are good. Milliseconds since 1970. */
  readonly issuedUntilMs: number;
  /** When the revocation may be forgotten: once the tokens have expired by themselves. Milliseconds since 1970. */
  readonly endsAtMs: number;
}

export interface Revocations {
  /**
   * Adds a revocation, which outlives restarts of nodes. One that stands already is never shortened: of each time the
   * later one counts. Where one user has 256 devices revoked, another one revokes the whole user. A retry is harmless.
   */
  revoke(revocation: Revocation): Promise<void>;
  /** The revocations of a user that stand now, in no particular order. */
  of(userId: UserId): Promise<readonly Revocation[]>;
  /**
   * Calls back for each revocation, wherever it was made: within `pushWithinMs` while the directory is within reach, or
   * once it is back. Repeats are possible. The function returned ends it.
   */
  onRevoked(listener: (revocation: Revocation) => void): () => void;
  readonly pushWithinMs: number;
}

export interface RateLimit {
  /** What is limited; a lower-case word. The same name always comes with the same limit. */
  readonly name: string;
  /** So many a second in the long run; above 0. */
  readonly perSecond: number;
  /** So many at once; at least 1. */
  readonly burst: number;
}

/** Limits that hold over all nodes together. */
export interface RateLimits {
  /**
   * Takes one of what the limit gives to `key` (a user, an address). Resolves with 0 where it was taken, otherwise with
   * the milliseconds after which it may be tried again; nothing was taken then. Fails open: when the directory is out
   * of reach, it was taken. Never rejects.
   */
  take(limit: RateLimit, key: string): Promise<number>;
}

/** Names one page of a conversation as it was at one time. */
export interface PageKey {
  /** Of the store: another one may have written something else in the same place. */
  readonly epoch: string;
  readonly convId: ConvId;
  /** Which page; how pages are cut is the caller's affair. */
  readonly page: number;
  /** The conversation's projected_seq as it was read *before* the rows, so that a stale page is never found again. */
  readonly projectedSeq: Seq;
}

/** A page of rows as the store has them: bodies sealed, never in clear (I8). */
export interface CachedPage {
  readonly key: PageKey;
  readonly rows: Uint8Array;
}

/** Pages that would cost the store a read; gone after an hour, or when there is no room. Never rejects. */
export interface PageCache {
  /** Pages above this are not kept. */
  readonly maxPageBytes: number;
  /** The rows of each page in the order asked; undefined where they are not known. At most 100. */
  get(keys: readonly PageKey[]): Promise<readonly (Uint8Array | undefined)[]>;
  /** Keeps pages, where there is room; resolves when that is done or was given up. At most 100. */
  put(pages: readonly CachedPage[]): Promise<void>;
}

/** A verb that could not be carried out, or of which that is not known. Later may work. */
export class DirectoryError extends Error {
  /** `unavailable`: out of reach, or too busy. `full`: there is no room for more. */
  readonly kind: 'unavailable' | 'full';

  constructor(kind: 'unavailable' | 'full', message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DirectoryError';
    this.kind = kind;
  }
}

/**
 * All parts of the directory. Verbs reject with a DirectoryError, and within a second even when the directory is gone
 * or frozen; none of them waits for it to come back.
 */
export interface Directory {
  readonly nodes: NodeLeases;
  readonly sessions: SessionDirectory;
  readonly revocations: Revocations;
  readonly rates: RateLimits;
  readonly pages: PageCache;
  /** Lets everything go. Idempotent. */
  close(): Promise<void>;
}
