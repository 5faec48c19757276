/**
 * How far a client has a conversation without a hole. What comes live beyond a hole waits until the hole is filled.
 */
export class KnownLog {
  head = 0;
  headMsgId = 0n;
  /** The last seq that is known to exist. */
  end = 0;
  /** What comes back in Sync. */
  rev = 0n;
  readSeq = 0;
  deliveredSeq = 0;
  peerReadSeq = 0;
  peerDeliveredSeq = 0;
  /** Since when lists bring nothing of a hole; 0 while they do. */
  fruitlessSinceMs = 0;
  /** Last head that was acknowledged. */
  ackedSeq = 0;
  readonly #ahead = new Map<number, bigint>();

  add(seq: number, msgId: bigint): void {
    this.end = Math.max(this.end, seq);
    if (seq <= this.head) return;
    this.#ahead.set(seq, msgId);
    this.#advance();
  }

  /** Nothing before this seq is the reader's: a new member begins here. */
  beginAt(seq: number, msgId: bigint): void {
    if (seq <= this.head) return;
    this.#moveTo(seq, msgId);
  }

  /** All up to a seq is hidden from the reader. */
  hiddenThrough(seq: number): void {
    if (seq > this.head) this.#moveTo(seq, 0n);
  }

  get hasHole(): boolean {
    return this.head < this.end;
  }

  #moveTo(seq: number, msgId: bigint): void {
    this.head = seq;
    this.headMsgId = msgId;
    this.end = Math.max(this.end, seq);
    for (const waiting of this.#ahead.keys()) if (waiting <= seq) this.#ahead.delete(waiting);
    this.#advance();
  }

  #advance(): void {
    for (;;) {
      const next = this.head + 1;
      const msgId = this.#ahead.get(next);
      if (msgId === undefined) return;
      this.#ahead.delete(next);
      this.head = next;
      this.headMsgId = msgId;
    }
  }
}
