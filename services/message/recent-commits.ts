import type { Clock } from '../core/clock.ts';
import type { ConvId, Seq } from '../core/ids.ts';

/**
 * Which conversations had entries lately: what an edge may have missed while its link was down. Bounded in time and
 * number; an edge that was away for longer has ended its sessions, and they sync.
 */
export class RecentCommits {
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #max: number;
  /** By conversation, the first entry since it was put in. One half is let go whole, when the other is full or old. */
  #young = new Map<ConvId, Seq>();
  #old: ReadonlyMap<ConvId, Seq> = new Map();
  #turnedAtMs: number;

  /** Keeps for at least `keepMs`, unless more than `max` conversations have entries in that time. */
  constructor({ clock, keepMs, max }: { clock: Clock; keepMs: number; max: number }) {
    this.#clock = clock;
    this.#keepMs = keepMs;
    this.#max = max;
    this.#turnedAtMs = clock.monotonicMs();
  }

  committed(convId: ConvId, firstSeq: Seq): void {
    if (this.#young.has(convId)) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#turnedAtMs >= this.#keepMs || this.#young.size >= this.#max) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#turnedAtMs = nowMs;
    }
    this.#young.set(convId, firstSeq);
  }

  /** The store was restored: what was committed before is nothing to be told. */
  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
  }

  /** By conversation, the first entry that may have been missed. */
  all(): Map<ConvId, Seq> {
    return new Map([...this.#young, ...this.#old]);
  }
}
