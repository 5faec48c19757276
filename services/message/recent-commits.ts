import type { Clock } from '../core/clock.ts';
import type { ConvId, Seq } from '../core/ids.ts';

interface Bucket {
  readonly beganAtMs: number;
  /** By conversation, the first entry of this time. */
  readonly firsts: Map<ConvId, Seq>;
}

const bucketMs = 1_000;

/**
 * Which conversations had entries lately: what an edge may have missed while its link was down. Bounded in time and
 * number, and it knows what it has forgotten: the sessions of an edge that may have missed that have to sync.
 */
export class RecentCommits {
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #max: number;
  /** Oldest first; each ends where the next one begins. */
  #buckets: Bucket[] = [];
  #size = 0;
  #forgottenToMs = Number.NEGATIVE_INFINITY;

  /** Keeps for at least `keepMs`, unless more than `max` conversations and seconds of them have entries in that time. */
  constructor({ clock, keepMs, max }: { clock: Clock; keepMs: number; max: number }) {
    this.#clock = clock;
    this.#keepMs = keepMs;
    this.#max = max;
  }

  committed(convId: ConvId, firstSeq: Seq): void {
    const nowMs = this.#clock.monotonicMs();
    let bucket = this.#buckets.at(-1);
    if (bucket === undefined || nowMs - bucket.beganAtMs >= bucketMs) {
      bucket = { beganAtMs: nowMs, firsts: new Map() };
      this.#buckets.push(bucket);
      this.#forget(nowMs);
    }
    const known = bucket.firsts.get(convId);
    if (known !== undefined) {
      // Forwarded once more: an earlier one may have been missed, too.
      if (firstSeq < known) bucket.firsts.set(convId, firstSeq);
      return;
    }
    bucket.firsts.set(convId, firstSeq);
    this.#size += 1;
    if (this.#size > this.#max) this.#forget(nowMs);
  }

  /** Nothing that was committed later is forgotten. */
  get forgottenToMs(): number {
    return this.#forgottenToMs;
  }

  /** The store was restored: what was committed before is nothing to be told. */
  clear(): void {
    this.#buckets = [];
    this.#size = 0;
  }

  /** By conversation, the first entry since this time, or one somewhat earlier. */
  since(monotonicMs: number): Map<ConvId, Seq> {
    const found = new Map<ConvId, Seq>();
    for (const [at, { firsts }] of this.#buckets.entries()) {
      const end = this.#buckets[at + 1]?.beganAtMs ?? Number.POSITIVE_INFINITY;
      if (end <= monotonicMs) continue;
      for (const [convId, seq] of firsts) found.set(convId, Math.min(seq, found.get(convId) ?? seq));
    }
    return found;
  }

  /** Lets go of what is too old, or too much; the newest bucket stays. */
  #forget(nowMs: number): void {
    while (this.#buckets.length > 1) {
      const [oldest, next] = this.#buckets as [Bucket, Bucket];
      if (next.beganAtMs > nowMs - this.#keepMs && this.#size <= this.#max) return;
      this.#buckets.shift();
      this.#forgottenToMs = oldest.beganAtMs + bucketMs;
      this.#size -= oldest.firsts.size;
    }
    // More than may be in one second: what comes next begins anew, and who missed this has to sync.
    const last = this.#buckets[0];
    if (last === undefined || this.#size <= this.#max) return;
    this.#buckets = [{ beganAtMs: nowMs, firsts: new Map() }];
    this.#size = 0;
    this.#forgottenToMs = nowMs;
  }
}
