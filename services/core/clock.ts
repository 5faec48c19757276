/** Time as the server sees it. A parameter everywhere, so that tests can turn it. */
export interface Clock {
  /** Milliseconds since 1970; may step back when the machine's clock is set. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start; never steps back. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
