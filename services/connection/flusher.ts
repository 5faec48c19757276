import { concat } from '../codec/frames.ts';
import type { DoorOutlet } from '../core/door.ts';
import { type Frame, LongFrame } from '../core/frame.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { Span } from '../core/span.ts';

/** Where a session's frames go. */
export interface FlushTarget {
  readonly outlet: DoorOutlet;
  readonly doorSession: number;
  /** What waits for it; undefined for nothing. The flusher's own. */
  path: PathNode | undefined;
  /** What waits for a write that happens anyway; undefined for nothing. The flusher's own. */
  lazy: Frame[] | undefined;
}

/** Frames longer than this are split, so that no client has to take an endless one. */
const maxFrameBytes = 512 * 1024;
/**
 * Fragments from this size on are frames of their own. A busy room's entries are one fragment for all its sessions, but
 * each of those that wrote has its own answers before it: copying the entries for each of them costs more than a second write.
 */
const aloneBytes = 4 * 1024;
/** Where waiting saves writes, flushes cost at most a fifth of the time, but wait no longer than this. */
const maxGapMs = 20;
const gapPerCost = 4;

/** How long a fragment that isn't urgent waits for another write to its socket. */
const maxLazyMs = 100;

/**
 * A sequence of fragments. Sessions for which the same fragments wait share the node, and so one buffer and one call
 * of the door.
 */
export class PathNode {
  readonly parent: PathNode | undefined;
  readonly fragment: Frame;
  /** The child made last: in a fan-out, all sessions ask for the same one after another. */
  lastChild: PathNode | undefined;
  targets: { readonly outlet: DoorOutlet; readonly sessions: number[] }[] | undefined;

  constructor(parent: PathNode | undefined, fragment: Frame) {
    this.parent = parent;
    this.fragment = fragment;
  }

  child(fragment: Frame): PathNode {
    if (this.lastChild?.fragment === fragment) return this.lastChild;
    this.lastChild = new PathNode(this, fragment);
    return this.lastChild;
  }
}

const empty = new Uint8Array(0);

/**
 * Writes what waits for sessions: each socket at most once a flush. At once when it is quiet; while it is busy, flushes
 * keep a distance that grows with what they cost, as far as several entries share a write then. Where each entry goes to
 * another socket, as in direct conversations, waiting would save nothing.
 */
export class Flusher {
  readonly #collect: () => number;
  readonly #nowMs: () => number;
  readonly #failed: (error: unknown) => void;
  #root = new PathNode(undefined, empty);
  #dirty: FlushTarget[] = [];
  /** For whom something came that isn't urgent; some have been written to since. */
  #lazy: FlushTarget[] = [];
  #scheduled = false;
  /** Asked for while a flush was under way. */
  #again = false;
  #flushing = false;
  #endedAtMs = 0;
  #gapMs = 0;
  /** Fragments of the flush at hand with a sampled entry in them; mostly there is none. */
  #carried: { readonly fragment: Frame; readonly span: Span }[] | undefined;

  /**
   * `collect` is called before each flush, to queue what was gathered for many sessions, and says how many entries that
   * were, one for each session. `failed` is told of errors of doors: they cost the sessions concerned a frame, nobody
   * else.
   */
  constructor(parts: { collect: () => number; nowMs: () => number; failed: (error: unknown) => void }) {
    this.#collect = parts.collect;
    this.#nowMs = parts.nowMs;
    this.#failed = parts.failed;
  }

  /** Queues a fragment (an encoded ConnectResponse) for a session. */
  queue(target: FlushTarget, fragment: Frame): void {
    target.path = (target.path ?? this.#begin(target)).child(fragment);
    this.schedule();
  }

  /**
   * Queues a fragment that isn't urgent, as a receipt is: it goes with the next write to its socket, and causes one of its
   * own only after a while. The order of a session's fragments stays.
   */
  queueLazily(target: FlushTarget, fragment: Frame): void {
    if (target.path !== undefined) target.path = target.path.child(fragment);
    else if (target.lazy !== undefined) target.lazy.push(fragment);
    else {
      target.lazy = [fragment];
      if (this.#lazy.push(target) === 1) setTimeout(() => this.#hurry(), maxLazyMs).unref();
    }
  }

  /** What the flush at hand writes of a fragment follows from this span, which ends with it. For `collect`. */
  carries(fragment: Frame, span: Span): void {
    this.#carried ??= [];
    this.#carried.push({ fragment, span });
  }

  schedule(): void {
    if (this.#flushing) this.#again = true;
    if (this.#scheduled || this.#flushing) return;
    this.#scheduled = true;
    const waitMs = this.#endedAtMs + this.#gapMs - this.#nowMs();
    if (waitMs < 1) setImmediate(() => this.flush());
    else setTimeout(() => this.flush(), waitMs);
  }

  flush(): void {
    // A door that closes a session while it is written to must not begin another flush inside this one.
    if (this.#flushing) {
      this.#again = true;
      return;
    }
    this.#flushing = true;
    this.#scheduled = false;
    const startedAtMs = this.#nowMs();
    let entries = 0;
    try {
      entries = this.#collect();
    } catch (error) {
      this.#failed(error);
    }
    this.#again = false;
    const dirty = this.#dirty;
    this.#dirty = [];
    this.#root = new PathNode(undefined, empty);
    const leaves: PathNode[] = [];
    for (const target of dirty) {
      const leaf = target.path;
      target.path = undefined;
      if (leaf !== undefined) address(leaf, target, leaves);
    }
    for (const leaf of leaves) this.#deliver(leaf);
    if (this.#carried !== undefined) this.#arrive();
    this.#flushing = false;
    this.#endedAtMs = this.#nowMs();
    this.#gapMs =
      Math.min(maxGapMs, gapPerCost * (this.#endedAtMs - startedAtMs)) * gain(entries, dirty.length);
    if (this.#again) this.schedule();
  }

  /** A target for which something waits from now on. */
  #begin(target: FlushTarget): PathNode {
    this.#dirty.push(target);
    let path = this.#root;
    for (const fragment of target.lazy ?? []) path = path.child(fragment);
    target.lazy = undefined;
    return path;
  }

  /** What was not urgent has waited long enough. */
  #hurry(): void {
    const waiting = this.#lazy;
    this.#lazy = [];
    for (const target of waiting) if (target.lazy !== undefined) target.path = this.#begin(target);
    if (this.#dirty.length > 0) this.schedule();
  }

  #deliver(leaf: PathNode): void {
    // Alone, as an entry to its receivers mostly is, a fragment is the frame.
    const trace = this.#carried === undefined ? undefined : this.#traceOf(leaf);
    if (leaf.parent?.parent === undefined) this.#send(leaf, leaf.fragment, trace);
    else for (const frame of frames(fragmentsOf(leaf))) this.#send(leaf, frame, trace);
  }

  /** That of the first sampled entry on the way to these sessions. */
  #traceOf(leaf: PathNode): TraceContext | undefined {
    const fragments = new Set(fragmentsOf(leaf));
    return this.#carried?.find(({ fragment }) => fragments.has(fragment))?.span.context;
  }

  #arrive(): void {
    for (const { span } of this.#carried ?? []) span.end();
    this.#carried = undefined;
  }

  #send({ targets = [] }: PathNode, frame: Frame, trace: TraceContext | undefined): void {
    for (const { outlet, sessions } of targets) {
      try {
        outlet.deliver(sessions, frame, trace);
      } catch (error) {
        this.#failed(error);
      }
    }
  }
}

/** What shared writes are worth waiting for, from 0 (one entry a socket) to 1 (two and more). */
function gain(entries: number, sockets: number): number {
  return sockets === 0 ? 0 : Math.min(1, Math.max(0, entries / sockets - 1));
}

function address(leaf: PathNode, { outlet, doorSession }: FlushTarget, leaves: PathNode[]): void {
  if (leaf.targets === undefined) {
    leaf.targets = [{ outlet, sessions: [doorSession] }];
    leaves.push(leaf);
    return;
  }
  for (const target of leaf.targets) {
    if (target.outlet !== outlet) continue;
    target.sessions.push(doorSession);
    return;
  }
  leaf.targets.push({ outlet, sessions: [doorSession] });
}

function fragmentsOf(leaf: PathNode): Frame[] {
  const fragments: Frame[] = [];
  for (let node: PathNode | undefined = leaf; node?.parent !== undefined; node = node.parent) {
    fragments.push(node.fragment);
  }
  return fragments.reverse();
}

/** As few frames as may be, but what is long stays the buffer that it is. */
function frames(fragments: readonly Frame[]): readonly Frame[] {
  const whole: Frame[] = [];
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  const close = (): void => {
    if (gathered.length > 0)
      whole.push(gathered.length === 1 ? (gathered[0] as Uint8Array) : concat(gathered));
    gathered = [];
    bytes = 0;
  };
  for (const fragment of fragments) {
    const { byteLength } = fragment;
    const isAlone = fragment instanceof LongFrame || byteLength >= aloneBytes;
    if (isAlone || bytes + byteLength > maxFrameBytes) close();
    if (isAlone) whole.push(fragment);
    else {
      gathered.push(fragment);
      bytes += byteLength;
    }
  }
  close();
  return whole;
}
