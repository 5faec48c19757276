import type { Ledger } from './ledger.ts';

/**
 * Checks what the members of one group receive, millions of deliveries a second on one core. All members must get the
 * same items in the same order, and a server that encodes once sends them the same bytes. So the first member to get
 * an item has it parsed and checked in full, and its bytes are appended to the reference; everybody else's bytes are
 * compared with the reference from the place where that member stands, many items at a time. Equal bytes in the right
 * place are a delivery without loss, repeat, swap or alteration; anything else goes through the parser.
 */
export class ReferenceStream {
  readonly #ledger: Ledger;
  #bytes = Buffer.allocUnsafeSlow(1 << 20);
  /** Where each item ends in the bytes. */
  #ends = new Float64Array(1 << 12);
  /** The message number of each item. */
  #numbers = new Int32Array(1 << 12);
  #count = 0;
  /** How many items each member has. */
  readonly #place: Int32Array;
  #seq = 0;
  readonly #lastOfSender: Int32Array;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#place = new Int32Array(ledger.options.topology.size);
    this.#lastOfSender = new Int32Array(ledger.options.topology.size);
  }

  begin(): void {
    this.#count = 0;
    this.#place.fill(0);
  }

  forget(): void {
    this.begin();
    this.#seq = 0;
    this.#lastOfSender.fill(0);
  }

  /** The seq of the last item that a member has. */
  seqOf(member: number): number {
    return this.#seq - (this.#count - (this.#place[member] as number));
  }

  /** Takes the longest run of whole items that a member must get next; returns where it ends. */
  match(member: number, buffer: Buffer, start: number, end: number, nowMs: number): number {
    let at = start;
    let place = this.#place[member] as number;
    let window = 32;
    while (at < end && place < this.#count) {
      const from = this.#endOf(place - 1);
      const stop = this.#lastFitting(place, Math.min(place + window, this.#count), from + end - at);
      if (stop === place) break;
      const length = this.#endOf(stop - 1) - from;
      if (buffer.compare(this.#bytes, from, from + length, at, at + length) !== 0) {
        if (window === 1) break;
        window = 1;
        continue;
      }
      this.#record(place, stop, nowMs);
      at += length;
      place = stop;
      window = Math.min(window * 2, 4096);
    }
    this.#place[member] = place;
    return at;
  }

  /** An item that the parser read. */
  delivered(
    member: number,
    k: number,
    seq: number,
    nowMs: number,
    item: { buffer: Buffer; start: number; end: number },
  ): void {
    const place = this.#place[member] as number;
    if (place < this.#count) {
      const expected = this.#numbers[place] as number;
      if (expected !== k)
        return this.#ledger.violations.add(
          // An earlier number is no repeat where it was the first receiver who missed it.
          place > 0 && this.#numbers.lastIndexOf(k, place - 1) >= 0 ? 'repeated' : 'outOfOrder',
          `member ${member} got message ${k} where others got ${expected}`,
        );
    } else if (!this.#append(k, seq, item)) return;
    this.#record(place, place + 1, nowMs);
    this.#place[member] = place + 1;
  }

  #append(k: number, seq: number, item: { buffer: Buffer; start: number; end: number }): boolean {
    const side = this.#ledger.senderSideOf(k);
    if (side < 0) {
      this.#ledger.violations.add('stray', `message ${k} was not sent in this pass`);
      return false;
    }
    const last = this.#lastOfSender[side] as number;
    if (last !== this.#ledger.previousOf(k))
      this.#ledger.violations.add('outOfOrder', `message ${k} of sender ${side} came after ${last - 1}`);
    this.#lastOfSender[side] = k + 1;
    if (seq !== 0 && this.#seq !== 0 && seq !== this.#seq + 1)
      this.#ledger.violations.add('seqGap', `the group's ${seq} came after ${this.#seq}`);
    this.#seq = seq;
    this.#store(k, item);
    return true;
  }

  #store(k: number, { buffer, start, end }: { buffer: Buffer; start: number; end: number }): void {
    const from = this.#endOf(this.#count - 1);
    const to = from + end - start;
    if (to > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(to, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, from);
      this.#bytes = larger;
    }
    if (this.#count === this.#ends.length) {
      const ends = new Float64Array(this.#count * 2);
      ends.set(this.#ends);
      this.#ends = ends;
      const numbers = new Int32Array(this.#count * 2);
      numbers.set(this.#numbers);
      this.#numbers = numbers;
    }
    buffer.copy(this.#bytes, from, start, end);
    this.#ends[this.#count] = to;
    this.#numbers[this.#count] = k;
    this.#count += 1;
  }

  #record(from: number, to: number, nowMs: number): void {
    const { delivery, schedule } = this.#ledger;
    for (let i = from; i < to; i++) delivery.record(nowMs - schedule.dueAt(this.#numbers[i] as number));
    this.#ledger.deliveredInBulk(to - from);
  }

  #endOf(item: number): number {
    return item < 0 ? 0 : (this.#ends[item] as number);
  }

  /** The largest stop ≤ `most` such that the items before it end at or before `limit`. */
  #lastFitting(place: number, most: number, limit: number): number {
    if (this.#endOf(most - 1) <= limit) return most;
    let low = place;
    let high = most;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#endOf(middle - 1) <= limit) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
