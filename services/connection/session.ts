import type { DoorOutlet, SessionInfo } from '../core/door.ts';
import type { Frame } from '../core/frame.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { DecodedCommand } from '../codec/frames.ts';
import type { PlaceBudget, SendChain } from './chain.ts';
import type { Delivery } from './delivery.ts';
import type { FlushTarget, PathNode } from './flusher.ts';
import type { TokenBucket } from '../core/token-bucket.ts';

/**
 * opened → signingIn (hello has come) → registering (message nodes are told) → open → closed. Commands that come
 * between hello and open wait.
 */
export type SessionState = 'opened' | 'signingIn' | 'registering' | 'open' | 'closed';

/** Chains that a session keeps although nothing is under way in them. */
const keptChains = 8;
/** Conversations of which it remembers what it acknowledged although it hears of them no more. */
const keptAcknowledgements = 64;

/** A client's session: what the node remembers of it. `session-commands.ts` says what its commands do. */
export class Session implements FlushTarget {
  readonly no: number;
  readonly outlet: DoorOutlet;
  readonly doorSession: number;
  readonly info: SessionInfo;
  readonly openedAtMs: number;
  state: SessionState = 'opened';
  userId = '' as UserId;
  deviceId = '';
  openGroups = false;
  /** Monotonic time of the last frame. */
  heardAtMs: number;
  /** Wall time at which the token ends. */
  expiresAtMs = Number.POSITIVE_INFINITY;
  /** When its token was issued, in milliseconds since 1970; 0 where that isn't known. */
  issuedAtMs = 0;
  /** Monotonic time at which the directory is to be told of it again; 0: it never was. */
  announceAtMs = 0;
  /** Monotonic time at which message nodes were told of it, in whole milliseconds; 0: they were not. */
  signedInAtMs = 0;
  /** Since when the door can't take more; 0 while it can. */
  pausedAtMs = 0;
  /** Pushed and not acknowledged. */
  unackedBytes = 0;
  /** Since when it is over its window, and pushes are held back until enough is acknowledged; 0 while it is not. */
  overSinceMs = 0;
  /** Commands that wait for the session to be open, and the bytes of their frames. */
  waiting: DecodedCommand[] = [];
  waitingBytes = 0;
  /** Pushes that came between registration and welcome: they follow it. */
  early: Frame[] = [];
  /** Commands that wait for their answer; pages among them; and whether a sync does. */
  inFlight = 0;
  reading = 0;
  syncing = false;
  /** Its pace: its own until it is somebody's, then that of its user. */
  rate: TokenBucket;
  /** What it has asked for since its user is overdrawn. */
  overspent = 0;
  path: PathNode | undefined;
  lazy: Uint8Array[] | undefined;
  /** The trace that its commands belong to, where its client says so and is believed. */
  trace: TraceContext | undefined;
  // Made on first use: an idle session is small.
  #deliveries: Map<ConvId, Delivery> | undefined;
  #acknowledged: Map<ConvId, Seq> | undefined;
  #chains: Map<ConvId, SendChain> | undefined;
  #lagging: Set<Delivery> | undefined;
  #ensured: Set<ConvId> | undefined;
  #watched: ReadonlySet<UserId> | undefined;
  #places: PlaceBudget | undefined;
  #lastChain = 0;
  #registered = false;
  #onRegistered: (() => void) | undefined;

  constructor(parts: {
    readonly no: number;
    readonly outlet: DoorOutlet;
    readonly doorSession: number;
    readonly info: SessionInfo;
    readonly nowMs: number;
    readonly rate: TokenBucket;
  }) {
    this.no = parts.no;
    this.outlet = parts.outlet;
    this.doorSession = parts.doorSession;
    this.info = parts.info;
    this.openedAtMs = parts.nowMs;
    this.heardAtMs = parts.nowMs;
    this.rate = parts.rate;
  }

  /** Message nodes know of it, or are being told: before that, nothing that is its user's is its own. */
  get signedIn(): boolean {
    return this.state === 'registering' || this.state === 'open';
  }

  get overWindow(): boolean {
    return this.overSinceMs > 0;
  }

  /** Whether pushes may go to it now. */
  get receptive(): boolean {
    return this.pausedAtMs === 0 && !this.overWindow;
  }

  get deliveries(): Map<ConvId, Delivery> {
    this.#deliveries ??= new Map();
    return this.#deliveries;
  }

  get chains(): Map<ConvId, SendChain> {
    this.#chains ??= new Map();
    return this.#chains;
  }

  /** Conversations in which pushes were held back. */
  get lagging(): ReadonlySet<Delivery> {
    return this.#lagging ?? nothing;
  }

  lag(delivery: Delivery): void {
    this.#lagging ??= new Set();
    this.#lagging.add(delivery);
  }

  caughtUp(delivery: Delivery): void {
    this.#lagging?.delete(delivery);
  }

  /** What it acknowledged of a conversation that it does not hear of now; 0: nothing that is remembered. */
  acknowledgedOf(convId: ConvId): Seq {
    return this.#acknowledged?.get(convId) ?? 0;
  }

  /** It hears of a conversation no more, and is not to be given what it acknowledged when it hears of it again. */
  rememberAcknowledged(convId: ConvId, seq: Seq): void {
    this.#acknowledged ??= new Map();
    this.#acknowledged.delete(convId);
    this.#acknowledged.set(convId, seq);
    const [oldest] = this.#acknowledged.keys();
    if (this.#acknowledged.size > keptAcknowledgements && oldest !== undefined)
      this.#acknowledged.delete(oldest);
  }

  /** Development: groups that were made and joined for this session. */
  get ensured(): Set<ConvId> {
    this.#ensured ??= new Set();
    return this.#ensured;
  }

  get watched(): ReadonlySet<UserId> {
    return this.#watched ?? nobody;
  }

  set watched(users: ReadonlySet<UserId>) {
    this.#watched = users;
  }

  /** Message nodes know of it; or it is closed, and nobody need wait any more. */
  markRegistered(): void {
    this.#registered = true;
    this.#onRegistered?.();
  }

  async whenRegistered(): Promise<void> {
    if (this.#registered) return;
    await new Promise<void>((resolve) => {
      this.#onRegistered = resolve;
    });
  }

  /** What its chains share: how many refused sends keep their place. */
  places(max: number): PlaceBudget {
    this.#places ??= { left: max };
    return this.#places;
  }

  /** A chain without anything under way can be made anew; a few are kept: the next send mostly goes to one of them. */
  forgetIdle(convId: ConvId, chain: SendChain): void {
    const chains = this.#chains;
    if (chains === undefined || chains.size <= keptChains) return;
    if (chain.idle && chains.get(convId) === chain) chains.delete(convId);
  }

  nextChain(): number {
    this.#lastChain += 1;
    return this.#lastChain;
  }
}

const nobody: ReadonlySet<UserId> = new Set();
const nothing: ReadonlySet<Delivery> = new Set();
