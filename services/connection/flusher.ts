import { concat } from '../codec/frames.ts';
import type { DoorOutlet } from '../core/door.ts';

/** Where a session's frames go. */
export interface FlushTarget {
  readonly outlet: DoorOutlet;
  readonly doorSession: number;
  /** What waits for it; undefined for nothing. The flusher's own. */
  path: PathNode | undefined;
}

/** Frames longer than this are split, so that no client has to take an endless one. */
const maxFrameBytes = 512 * 1024;
/** Flushes cost at most a fifth of the time, but wait no longer than this. */
const maxGapMs = 20;
const gapPerCost = 4;

/**
 * A sequence of fragments. Sessions for which the same fragments wait share the node, and so one buffer and one call
 * of the door.
 */
export class PathNode {
  readonly parent: PathNode | undefined;
  readonly fragment: Uint8Array;
  /** The child made last: in a fan-out, all sessions ask for the same one after another. */
  lastChild: PathNode | undefined;
  targets: { readonly outlet: DoorOutlet; readonly sessions: number[] }[] | undefined;

  constructor(parent: PathNode | undefined, fragment: Uint8Array) {
    this.parent = parent;
    this.fragment = fragment;
  }

  child(fragment: Uint8Array): PathNode {
    if (this.lastChild?.fragment === fragment) return this.lastChild;
    this.lastChild = new PathNode(this, fragment);
    return this.lastChild;
  }
}

const empty = new Uint8Array(0);

/**
 * Writes what waits for sessions: each socket at most once a flush. At once when it is quiet; while it is busy, flushes
 * keep a distance that grows with what they cost.
 */
export class Flusher {
  readonly #collect: () => void;
  readonly #nowMs: () => number;
  #root = new PathNode(undefined, empty);
  #dirty: FlushTarget[] = [];
  #scheduled = false;
  #endedAtMs = 0;
  #gapMs = 0;

  /** `collect` is called before each flush, to queue what was gathered for many sessions. */
  constructor({ collect, nowMs }: { collect: () => void; nowMs: () => number }) {
    this.#collect = collect;
    this.#nowMs = nowMs;
  }

  /** Queues a fragment (an encoded ConnectResponse) for a session. */
  queue(target: FlushTarget, fragment: Uint8Array): void {
    if (target.path === undefined) {
      target.path = this.#root;
      this.#dirty.push(target);
    }
    target.path = target.path.child(fragment);
    this.schedule();
  }

  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const waitMs = this.#endedAtMs + this.#gapMs - this.#nowMs();
    if (waitMs < 1) setImmediate(() => this.flush());
    else setTimeout(() => this.flush(), waitMs);
  }

  flush(): void {
    this.#scheduled = true;
    const startedAtMs = this.#nowMs();
    this.#collect();
    const dirty = this.#dirty;
    this.#dirty = [];
    this.#root = new PathNode(undefined, empty);
    const leaves: PathNode[] = [];
    for (const target of dirty) {
      const leaf = target.path;
      target.path = undefined;
      if (leaf !== undefined) address(leaf, target, leaves);
    }
    for (const leaf of leaves) deliver(leaf);
    this.#scheduled = false;
    this.#endedAtMs = this.#nowMs();
    this.#gapMs = Math.min(maxGapMs, gapPerCost * (this.#endedAtMs - startedAtMs));
    if (this.#dirty.length > 0) this.schedule();
  }
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

function deliver(leaf: PathNode): void {
  const fragments: Uint8Array[] = [];
  for (let node: PathNode | undefined = leaf; node?.parent !== undefined; node = node.parent) {
    fragments.push(node.fragment);
  }
  fragments.reverse();
  for (const frame of frames(fragments)) {
    for (const { outlet, sessions } of leaf.targets ?? []) outlet.deliver(sessions, frame);
  }
}

function* frames(fragments: readonly Uint8Array[]): Iterable<Uint8Array> {
  let part: Uint8Array[] = [];
  let bytes = 0;
  for (const fragment of fragments) {
    if (part.length > 0 && bytes + fragment.byteLength > maxFrameBytes) {
      yield part.length === 1 ? (part[0] as Uint8Array) : concat(part);
      part = [];
      bytes = 0;
    }
    part.push(fragment);
    bytes += fragment.byteLength;
  }
  if (part.length > 0) yield part.length === 1 ? (part[0] as Uint8Array) : concat(part);
}
