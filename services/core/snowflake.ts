import type { Clock } from './clock.ts';
import { Fault } from './fault.ts';

/** 2025-01-01T00:00:00Z. 41 bits of milliseconds from here last into 2094. */
export const idEpochMs = 1_735_689_600_000;
const sequenceBits = 12;
const workerBits = 10;
const lastSequence = 2 ** sequenceBits - 1;
const timeShift = BigInt(sequenceBits + workerBits);
const maxTimeMs = 2 ** 41 - 1;

/** How far ids may run ahead of the clock: more drawn in a millisecond than fit, or a clock that was set back a little. */
export const aheadAtMostMs = 1_000;
const retryAtMostMs = 5_000;

/** A worker number, and the time until which nobody else can have it; see `MessageStore.leaseWorker`. */
export interface HeldLease {
  /** 0–1023. */
  readonly worker: number;
  readonly reservedUntilMs: number;
}

/**
 * Draws ids of 63 bits: milliseconds since 2025 (41), worker (10), sequence (12). They ascend, and never repeat as long
 * as no two sources hold one worker number at the same time: an id's time lies after the lease was taken and before its
 * reserved time. Where the clock was set back by more than a second, or the lease has run out, `next` refuses.
 */
export class IdSource {
  readonly #clock: Clock;
  #worker: number;
  #reservedUntilMs: number;
  #lastMs: number;
  #sequence = lastSequence;
  /** Time and worker of the current millisecond, in place. */
  #base = 0n;

  /** `fromMs`: the time at which the lease was asked for; earlier ones may have been used by the last holder. */
  constructor(options: { readonly clock: Clock; readonly lease: HeldLease; readonly fromMs?: number }) {
    this.#clock = options.clock;
    this.#worker = options.lease.worker;
    this.#reservedUntilMs = options.lease.reservedUntilMs;
    // The sequence of the millisecond before counts as used up: the first id carries `fromMs` at the earliest.
    this.#lastMs = (options.fromMs ?? options.clock.wallMs()) - 1;
  }

  /** The lease as it is now: prolonged, or, where it had lapsed and was given away, for another number. */
  renew(lease: HeldLease, fromMs: number = this.#clock.wallMs()): void {
    if (lease.worker !== this.#worker) {
      this.#worker = lease.worker;
      this.#lastMs = Math.max(this.#lastMs, fromMs - 1);
      this.#sequence = lastSequence;
    }
    this.#reservedUntilMs = lease.reservedUntilMs;
  }

  /** Throws the Fault `storeUnavailable` where no id can be drawn without risking a repeat. */
  next(): bigint {
    const nowMs = this.#clock.wallMs();
    if (nowMs > this.#lastMs) this.#begin(nowMs, nowMs);
    else if (this.#sequence === lastSequence) this.#begin(this.#lastMs + 1, nowMs);
    else {
      this.#assertUsable(this.#lastMs, nowMs);
      this.#sequence += 1;
    }
    return this.#base | BigInt(this.#sequence);
  }

  #begin(timeMs: number, nowMs: number): void {
    this.#assertUsable(timeMs, nowMs);
    this.#lastMs = timeMs;
    this.#sequence = 0;
    this.#base = (BigInt(timeMs - idEpochMs) << timeShift) | BigInt(this.#worker << sequenceBits);
  }

  #assertUsable(timeMs: number, nowMs: number): void {
    if (timeMs >= this.#reservedUntilMs)
      throw new Fault('storeUnavailable', {
        message: 'the lease of this id source has ended',
        retryAfterMs: 500,
      });
    if (timeMs - nowMs > aheadAtMostMs)
      throw new Fault('storeUnavailable', {
        message: 'the clock was set back',
        retryAfterMs: Math.min(timeMs - nowMs, retryAtMostMs),
      });
    if (timeMs < idEpochMs || timeMs - idEpochMs > maxTimeMs)
      throw new Fault('storeUnavailable', {
        message: `the clock is wrong: ${new Date(timeMs).toISOString()}`,
      });
  }
}

/** When an id was drawn, in milliseconds since 1970. */
export function idTimeMs(id: bigint): number {
  return Number(id >> timeShift) + idEpochMs;
}
